#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config/march.h"

/// The rows of a march as tables, sentences and JSON.
namespace qprep {

/// Where the numbers come from, how its tools quantise, and whether the numbers were concluded.
std::string about(const March& march);
/// The same as pairs of what and how; empty: as qprep does.
std::vector<std::pair<std::string, std::string>> how_it_quantises(const March& march);

/// What it fuses otherwise than configs/fusion.yaml says, what has one scale, what it replaces; the same
/// form.
std::vector<std::pair<std::string, std::string>> how_it_rewrites(const March& march);

nlohmann::ordered_json ways_json(const std::vector<std::pair<std::string, std::string>>& ways);

/// A table of the rows; where `only` names operators, their rows with every limit as a sentence.
std::string rows_text(const March& march, const std::vector<std::string>& only);
nlohmann::ordered_json rows_json(const March& march, const std::vector<std::string>& only);

/// The operators whose rows differ, and how.
std::string difference_text(const March& before, const March& after);
nlohmann::ordered_json difference_json(const March& before, const March& after);

}  // namespace qprep

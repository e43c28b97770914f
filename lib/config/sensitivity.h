#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/diagnostics.h"

namespace qprep {

/// A row of a sensitivity table: what quantising one operator's output or weight costs.
struct SensitivityRow {
  std::string op;     // the node
  std::string type;   // "activation" or "weight"
  std::string dtype;  // "qint8", ...; empty: the table has no such column
  Where where;
};

/// Reads a table whose rows are sorted, the most sensitive first, with the columns op, type, operator type,
/// metric and, if it has them, dtype and flops; or with a header, whose titles (op_name, sensitive_type,
/// dtype) then say where these are. Columns are separated by tabs, '|', commas, semicolons, or two spaces at
/// least, as debug tools print them; a cell may stand in double quotes; rules and empty lines are skipped.
/// Errors in `diagnostics`: a row of too few columns, of another type or dtype, a header without the types, a
/// table without rows; at `named_at`, where the configuration names the file, one that cannot be read or is
/// beyond 64 MiB.
std::vector<SensitivityRow> read_sensitivity_table(const std::filesystem::path& file, const Where& named_at,
                                                   Diagnostics& diagnostics);

}  // namespace qprep

#include "report/table.h"

#include <catch2/catch.hpp>
#include <string>

using namespace qprep;

TEST_CASE("a psql table has a frame, a rule under its headers, and cells on the side they belong") {
  const Table table{{"name", "n"}, {{"conv", "3"}, {"a", "12"}}, {Table::Align::kLeft, Table::Align::kRight}};
  CHECK(to_psql(table) ==
        "+------+----+\n"
        "| name |  n |\n"
        "|------+----|\n"
        "| conv |  3 |\n"
        "| a    | 12 |\n"
        "+------+----+\n");
  CHECK(to_psql({{"name"}, {}}) ==
        "+------+\n"
        "| name |\n"
        "|------|\n"
        "+------+\n");
}

TEST_CASE("a simple table has a line of dashes and no spaces at the ends of lines") {
  CHECK(to_simple({{"name", "type", "why"},
                   {{"conv_longer", "Conv", ""}, {"", "", ""}, {"x", "Relu", "because"}}}) ==
        "name         type  why\n"
        "-----------  ----  -------\n"
        "conv_longer  Conv\n"
        "\n"
        "x            Relu  because\n");
}

TEST_CASE("widths are those of a terminal") {
  CHECK(display_width("") == 0);
  CHECK(display_width("conv") == 4);
  CHECK(display_width("größe") == 5);
  CHECK(display_width("层1") == 3);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("🙂") == 2);
  CHECK(display_width("\xff\xc3") == 2);
  CHECK(to_simple({{"名", "b"}, {{"层层", "1"}, {"a", "2"}}}) ==
        "名    b\n"
        "----  -\n"
        "层层  1\n"
        "a     2\n");
}

TEST_CASE("what would break a line is escaped, other text stays") {
  CHECK(cell_text("conv/größe 层") == "conv/größe 层");
  CHECK(cell_text("a\nb\tc\x01\x1b[31m\x7f") == "a\\nb\\tc\\x01\\x1b[31m\\x7f");
  CHECK(cell_text("\xff\xc0\xaf\xed\xa0\x80\xe5\xb1") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe5\\xb1");
  CHECK(cell_text("\u0085") == "\\xc2\\x85");
}

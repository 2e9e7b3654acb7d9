// Choosing the instruction set: the forced one is the one that runs.
#include "salvage/scan/isa.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "salvage/io/sources.hpp"
#include "salvage/scan/scan.hpp"
#include "support/assert_result.hpp"
#include "unit/scan/scan_support.hpp"

namespace salvage::scan {
namespace {

/// Whether this program, run again with the variable set to `value`, passes `test`.
bool passes_when_forced(std::string_view value, std::string_view test)
{
    const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
    const auto command = "SALVAGE_FORCE_ISA=" + std::string{value} + " SALVAGE_EXPECT_ISA=" + std::string{value} +
                         " '" + self + "' --gtest_filter=" + std::string{test} + " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
}

// Run by the tests below with the variables set; on its own it says what an unforced choice must be.
TEST(IsaInUse, IsTheForcedOneOrTheBest)
{
    const auto chosen = isa_in_use();
    const char* const expected = std::getenv("SALVAGE_EXPECT_ISA");
    if (expected != nullptr) {
        ASSERT_TRUE(test::is_ok(chosen));
        EXPECT_EQ(to_string(*chosen), expected);
    } else if (std::getenv("SALVAGE_FORCE_ISA") == nullptr) {
        ASSERT_TRUE(test::is_ok(chosen));
        EXPECT_EQ(*chosen, test::available_isas().back());
    }
}

TEST(IsaInUse, FailsWhereTheVariableNamesNone)
{
    const char* const forced = std::getenv("SALVAGE_FORCE_ISA");
    if (forced == nullptr || std::string_view{forced} != "nonsense") {
        EXPECT_TRUE(passes_when_forced("nonsense", "IsaInUse.FailsWhereTheVariableNamesNone"));
        return;
    }
    EXPECT_TRUE(test::fails_with(isa_in_use(), ErrorCode::invalid_argument));
    const auto source = io::make_memory(Bytes(10), "ten");
    EXPECT_TRUE(test::fails_with(scan(*source, {}, {}), ErrorCode::invalid_argument));
}

TEST(IsaInUse, IsEachOneThatIsForcedAndAvailable)
{
    if (std::getenv("SALVAGE_FORCE_ISA") != nullptr) {
        GTEST_SKIP() << "this run is forced itself";
    }
    for (const auto isa : test::available_isas()) {
        EXPECT_TRUE(passes_when_forced(to_string(isa), "IsaInUse.IsTheForcedOneOrTheBest")) << to_string(isa);
    }
}

TEST(IsaInUse, TheWholeScanFindsTheSameWithEachOfThem)
{
    if (std::getenv("SALVAGE_FORCE_ISA") != nullptr) {
        GTEST_SKIP() << "this run is forced itself";
    }
    for (const auto isa : test::available_isas()) {
        EXPECT_TRUE(passes_when_forced(to_string(isa), "Scan.FindsPatternsAcrossTheEdgesOfReads")) << to_string(isa);
    }
}

} // namespace
} // namespace salvage::scan

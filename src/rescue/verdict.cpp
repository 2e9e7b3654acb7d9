// Words and exit codes of the verdicts.
#include "salvage/rescue/verdict.hpp"

#include <algorithm>
#include <array>

namespace salvage::rescue {
namespace {

struct Row {
    VerdictCode code;
    std::string_view name;
    std::string_view headline;
    int exit;
};

// The exit codes are a promise to scripts: 1 "not found", 3 "damaged or unsupported", 6 "needs the phone", 7
// "mismatch".
constexpr std::array rows{
    Row{VerdictCode::open, "open", "Open. Nothing was guessed.", 0},
    Row{VerdictCode::needs_secret, "needs-secret",
        "Needs the PIN, pattern or password. Here is what finding it would take.", 1},
    Row{VerdictCode::needs_phone_key, "needs-phone-key",
        "The key is in the phone's chip. Only this phone can open this data; here is how to put it back.", 6},
    Row{VerdictCode::key_missing, "key-missing",
        "Encrypted, and the piece that holds the key is not in this dump. Here is where it should be.", 1},
    Row{VerdictCode::mismatch, "mismatch",
        "The key and the data come from different installations. Look for the older copy of the key.", 7},
    Row{VerdictCode::not_encrypted, "not-encrypted", "Not encrypted. Here are the files.", 0},
    Row{VerdictCode::file_based_encryption, "file-based-encryption",
        "Each file has its own key, kept by the phone. Here is what can and cannot be read.", 6},
    Row{VerdictCode::damaged, "damaged", "Damaged here and there. Here is what is whole.", 3},
    Row{VerdictCode::unsupported, "unsupported", "We know what this is and cannot open it.", 3},
};

const Row& row_of(VerdictCode code) noexcept
{
    const auto* const row = std::ranges::find(rows, code, &Row::code);
    return row == rows.end() ? rows.back() : *row;
}

} // namespace

std::string_view to_string(VerdictCode code) noexcept
{
    return row_of(code).name;
}

std::string_view headline(VerdictCode code) noexcept
{
    return row_of(code).headline;
}

int exit_code(VerdictCode code) noexcept
{
    return row_of(code).exit;
}

} // namespace salvage::rescue

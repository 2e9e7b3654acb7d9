// Prints every candidate of a mask, a line each, for a judge to compare.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "print_keyspace.hpp"
#include "salvage/password/mask.hpp"

namespace {

using namespace salvage;
using namespace salvage::password;

struct Arguments {
    MaskSpec mask;
    bool is_file{false};
};

unsigned number_of(std::string_view text)
{
    unsigned out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

/// hashcat's own option names; `--mask-file` says that the mask is the name of a file.
Arguments parse(const std::vector<std::string>& arguments)
{
    Arguments out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        const bool is_charset = argument.size() == 2 && argument[0] == '-' && argument[1] >= '1' && argument[1] <= '4';
        if (argument == "--hex-charset") {
            out.mask.notation = MaskNotation::hex;
        } else if (argument == "--mask-file") {
            out.is_file = true;
        } else if (argument == "--increment") {
            out.mask.increment = MaskIncrement{};
        } else if (i + 1 < arguments.size() && argument == "--increment-min") {
            out.mask.increment = MaskIncrement{.min = number_of(arguments[++i]),
                                               .max = out.mask.increment.value_or(MaskIncrement{}).max};
        } else if (i + 1 < arguments.size() && argument == "--increment-max") {
            out.mask.increment = MaskIncrement{.min = out.mask.increment.value_or(MaskIncrement{}).min,
                                               .max = number_of(arguments[++i])};
        } else if (i + 1 < arguments.size() && is_charset) {
            out.mask.charsets.at(static_cast<std::size_t>(argument[1] - '1')) = arguments[++i];
        } else {
            out.mask.mask = argument;
        }
    }
    return out;
}

Result<> run(const Arguments& arguments)
{
    const auto& mask = arguments.mask;
    if (arguments.is_file) {
        const auto keyspace =
            SALVAGE_TRY(make_mask_file({.path = mask.mask, .notation = mask.notation, .increment = mask.increment}));
        return judges::print_all(*keyspace);
    }
    const auto keyspace = SALVAGE_TRY(make_mask(mask));
    return judges::print_all(*keyspace);
}

} // namespace

int main(int count, char** values)
{
    const std::vector<std::string> arguments(values + 1, values + count);
    const auto done = run(parse(arguments));
    if (!done.has_value()) {
        std::fprintf(stderr, "print_masks: %s\n", to_string(done.error()).c_str());
        return 1;
    }
    return 0;
}

// Rules as text: parsing, and writing what was parsed.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "password/ascii.hpp"
#include "password/rule_functions.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr std::string_view no_comment_here = "a comment begins in the first column of its line";

std::string shown(char c)
{
    return fmt::format("'{}'", printable(std::string_view{&c, 1}));
}

/// "takes a position (0-9, A-Z) and a character".
std::string taken_by(const RuleFunction& function)
{
    std::string out;
    for (const auto parameter : function.parameters) {
        if (parameter == RuleParameter::none) {
            break;
        }
        out += out.empty() ? "takes " : " and ";
        out += parameter == RuleParameter::position ? "a position (0-9, A-Z)" : "a character";
    }
    return out.empty() ? "takes nothing" : out;
}

std::string described(const RuleFunction& function)
{
    return fmt::format("{} {}: it {}", shown(function.name), function.what, taken_by(function));
}

std::optional<std::uint8_t> position_value(char c)
{
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'A' && c <= 'Z') {
        return static_cast<std::uint8_t>(c - 'A' + 10);
    }
    return std::nullopt;
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_{text} {}

    Result<> parse(std::vector<RuleStep>& into)
    {
        const auto before = into.size();
        while (at_ < text_.size()) {
            if (text_[at_] == ' ') {
                ++at_;
                continue;
            }
            if (into.size() - before == max_rule_functions) {
                return malformed(ByteOffset{at_}, "a rule has too many functions",
                                 fmt::format("{} are taken", max_rule_functions));
            }
            into.push_back(SALVAGE_TRY(step()));
        }
        if (into.size() == before) {
            into.push_back({.function = ':'}); // blanks alone are a rule that changes nothing
        }
        return {};
    }

private:
    Result<RuleStep> step()
    {
        const auto start = at_;
        const auto name = text_[at_++];
        const auto* const function = find_rule_function(name);
        if (function == nullptr) {
            return malformed(ByteOffset{start}, fmt::format("{} is no function of a rule", shown(name)),
                             "docs/formats/rules.md lists them all")
                .with_hint(name == '#' ? no_comment_here : std::string_view{});
        }
        RuleStep step{.function = static_cast<std::uint8_t>(name)};
        for (std::size_t i = 0; i < step.parameters.size() && function->parameters[i] != RuleParameter::none; ++i) {
            step.parameters[i] = SALVAGE_TRY(parameter(*function, function->parameters[i]));
        }
        SALVAGE_TRY(remember(*function, start));
        return step;
    }

    Result<> remember(const RuleFunction& function, std::size_t start)
    {
        constexpr std::string_view finders = "/%";
        constexpr std::string_view users_of_memory = "X46Q";
        may_have_found_ = may_have_found_ || finders.contains(function.name);
        has_memory_ = has_memory_ || function.name == 'M';
        if (!has_memory_ && users_of_memory.contains(function.name)) {
            return malformed(ByteOffset{start}, fmt::format("{} has nothing memorized", shown(function.name)),
                             described(function))
                .with_hint("put an M before it");
        }
        return {};
    }

    [[nodiscard]] Error missing(const RuleFunction& function, std::string_view parameter) const
    {
        return malformed(ByteOffset{at_}, fmt::format("{} lacks its {}", shown(function.name), parameter),
                         described(function) + "; the rule ends here");
    }

    Result<std::uint8_t> parameter(const RuleFunction& function, RuleParameter kind)
    {
        return kind == RuleParameter::position ? position(function) : character(function);
    }

    Result<std::uint8_t> position(const RuleFunction& function)
    {
        if (at_ == text_.size()) {
            return missing(function, "position");
        }
        const auto c = text_[at_];
        if (c == 'p' && may_have_found_) {
            ++at_;
            return position_found;
        }
        const auto value = position_value(c);
        if (!value) {
            return malformed(ByteOffset{at_}, fmt::format("{} is no position for {}", shown(c), shown(function.name)),
                             described(function))
                .with_hint(c == 'p' ? "position p is where / or % found its character: put one of them before" : "");
        }
        ++at_;
        return *value;
    }

    Result<std::uint8_t> character(const RuleFunction& function)
    {
        if (at_ == text_.size()) {
            return missing(function, "character");
        }
        const auto rest = text_.substr(at_);
        const auto in_hex = rest.starts_with("\\x") ? hex_byte(rest.substr(2)) : std::nullopt;
        if (in_hex) {
            at_ += 4;
            return *in_hex;
        }
        ++at_;
        return static_cast<std::uint8_t>(rest.front());
    }

    std::string_view text_;
    std::size_t at_{0};
    bool may_have_found_{false};
    bool has_memory_{false};
};

void write_position(std::string& out, std::uint8_t value)
{
    constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    out += value == position_found ? 'p' : digits[value];
}

/// What would be read back as something else is written in hex: line ends, and a backslash that an x may follow.
void write_character(std::string& out, std::uint8_t value)
{
    const bool is_plain = value >= 0x20 && value < 0x7F && value != '\\';
    if (is_plain) {
        out += static_cast<char>(value);
    } else {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", value);
    }
}

} // namespace

Result<> parse_rule(std::string_view text, std::vector<RuleStep>& into)
{
    if (text.size() > max_rule_line_bytes) {
        return malformed(ByteOffset{max_rule_line_bytes}, "a rule is too long",
                         fmt::format("it has {} bytes, {} are taken", text.size(), max_rule_line_bytes));
    }
    return Parser{text}.parse(into);
}

std::string rule_text(std::span<const RuleStep> steps)
{
    std::string out;
    for (const auto& step : steps) {
        out += out.empty() ? "" : " ";
        out += static_cast<char>(step.function);
        const auto* const function = find_rule_function(static_cast<char>(step.function));
        for (std::size_t i = 0; function != nullptr && i < step.parameters.size(); ++i) {
            switch (function->parameters[i]) {
            case RuleParameter::none: break;
            case RuleParameter::position: write_position(out, step.parameters[i]); break;
            case RuleParameter::character: write_character(out, step.parameters[i]); break;
            }
        }
    }
    return out;
}

} // namespace salvage::password

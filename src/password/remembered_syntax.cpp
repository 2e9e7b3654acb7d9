// Templates of half-remembered passwords: recursive descent, one function a rule.
#include "password/remembered_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "password/ascii.hpp"
#include "salvage/core/text.hpp"
#include "salvage/password/remembered.hpp"

namespace salvage::password {
namespace {

enum class LetterCase : std::uint8_t { as_written, any };

/// Bytes of the UTF-8 character at the start of `text`; 1 where it is none.
std::size_t character_bytes(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    std::size_t bytes = 1;
    if (lead >= 0xC2 && lead < 0xE0) {
        bytes = 2;
    } else if (lead >= 0xE0 && lead < 0xF0) {
        bytes = 3;
    } else if (lead >= 0xF0 && lead < 0xF5) {
        bytes = 4;
    }
    const auto rest = text.substr(1, bytes - 1);
    const bool is_whole = rest.size() == bytes - 1 &&
                          std::ranges::all_of(rest, [](char c) { return (static_cast<unsigned>(c) & 0xC0U) == 0x80; });
    return is_whole ? bytes : 1;
}

class Parser {
public:
    Parser(std::string_view text, const CharsetBytes& custom) : text_{text}, custom_{&custom} {}

    Result<TemplatePart> whole()
    {
        auto out = SALVAGE_TRY(alternatives(LetterCase::as_written, 0));
        if (!is_at_end()) {
            return here(fmt::format("a {} stands where nothing was opened", printable(text_.substr(at_, 1))),
                        fmt::format("write \\{} for the character itself", text_[at_]));
        }
        return out;
    }

private:
    [[nodiscard]] bool is_at_end() const { return at_ == text_.size(); }
    [[nodiscard]] bool is_next(char c) const { return !is_at_end() && text_[at_] == c; }

    /// Counts characters from 1, not bytes.
    [[nodiscard]] std::size_t column() const
    {
        std::size_t out = 1;
        for (std::size_t i = 0; i < at_; i += character_bytes(text_.substr(i))) {
            ++out;
        }
        return out;
    }

    [[nodiscard]] Error here(std::string_view what, std::string_view hint = {}) const
    {
        const auto found = is_at_end() ? std::string{"the end"} : fmt::format("'{}'", printable(peek()));
        return invalid_argument(what, fmt::format("column {}: found {}", column(), found), hint);
    }

    [[nodiscard]] std::string_view peek() const { return text_.substr(at_, character_bytes(text_.substr(at_))); }

    /// One character as it stands.
    std::string_view take_character()
    {
        const auto out = peek();
        at_ += out.size();
        return out;
    }

    /// sequence { "|" sequence }
    Result<TemplatePart> alternatives(LetterCase letter_case, unsigned depth)
    {
        TemplatePart out{.kind = TemplatePart::Kind::alternatives};
        out.parts.push_back(SALVAGE_TRY(sequence(letter_case, depth)));
        while (is_next('|')) {
            ++at_;
            out.parts.push_back(SALVAGE_TRY(sequence(letter_case, depth)));
        }
        return out;
    }

    /// { item [repeat] }, up to what ends it.
    Result<TemplatePart> sequence(LetterCase letter_case, unsigned depth)
    {
        TemplatePart out{.kind = TemplatePart::Kind::sequence};
        while (!is_at_end() && !is_next('|') && !is_next(')') && !is_next('>')) {
            auto part = SALVAGE_TRY(item(letter_case, depth));
            if (is_next('{')) {
                SALVAGE_TRY(repeat(part));
            }
            out.parts.push_back(std::move(part));
        }
        return out;
    }

    Result<TemplatePart> item(LetterCase letter_case, unsigned depth)
    {
        switch (text_[at_]) {
        case '(': return group(')', letter_case, depth);
        case '<': return group('>', LetterCase::any, depth);
        case '[': return set(letter_case);
        case '?': return kind();
        case '{': return here("a repeat stands behind nothing that it could repeat", "write \\{ for a brace");
        case ']':
        case '}':
            return here(fmt::format("a {} stands where nothing was opened", text_[at_]),
                        fmt::format("write \\{} for the character itself", text_[at_]));
        default: break;
        }
        TemplatePart out{.kind = TemplatePart::Kind::character};
        const auto character = SALVAGE_TRY(literal());
        add_character(out, character, letter_case);
        return out;
    }

    /// A group in ( ) or < >.
    Result<TemplatePart> group(char close, LetterCase letter_case, unsigned depth)
    {
        if (depth == max_template_nesting) {
            return here("the template has too many brackets within brackets",
                        fmt::format("{} are the most", max_template_nesting));
        }
        ++at_;
        auto out = SALVAGE_TRY(alternatives(letter_case, depth + 1));
        if (!is_next(close)) {
            return here(fmt::format("a bracket is not closed: a {} was expected", close));
        }
        ++at_;
        return out;
    }

    /// A character that stands for itself, with or without a backslash.
    Result<std::string_view> literal()
    {
        if (is_next('\\')) {
            ++at_;
            if (is_at_end()) {
                return here("a backslash stands at the end", "write \\\\ for a backslash");
            }
        }
        return take_character();
    }

    static void add_character(TemplatePart& to, std::string_view character, LetterCase letter_case)
    {
        to.characters.emplace_back(character);
        if (letter_case == LetterCase::any && character.size() == 1 && is_letter(character.front())) {
            to.characters.emplace_back(1, toggled(character.front()));
        }
    }

    static void add_bytes(TemplatePart& to, std::string_view bytes)
    {
        for (const char byte : bytes) {
            to.characters.emplace_back(1, byte);
        }
    }

    /// `?d` and the like.
    Result<std::string_view> charset()
    {
        ++at_;
        if (is_at_end()) {
            return here("a ? stands at the end", "write ?? for a question mark");
        }
        const auto bytes = SALVAGE_TRY(charset_named(text_[at_], column(), *custom_));
        ++at_;
        return bytes;
    }

    Result<TemplatePart> kind()
    {
        TemplatePart out{.kind = TemplatePart::Kind::character};
        add_bytes(out, SALVAGE_TRY(charset()));
        return out;
    }

    /// "[" members "]"
    Result<TemplatePart> set(LetterCase letter_case)
    {
        ++at_;
        TemplatePart out{.kind = TemplatePart::Kind::character};
        while (!is_next(']')) {
            if (is_at_end()) {
                return here("a set is not closed: a ] was expected");
            }
            SALVAGE_TRY(member(out, letter_case));
        }
        if (out.characters.empty()) {
            return here("a set is empty", "write \\] for a bracket in it, or leave the set out");
        }
        ++at_;
        return out;
    }

    Result<> member(TemplatePart& set, LetterCase letter_case)
    {
        if (is_next('?')) {
            add_bytes(set, SALVAGE_TRY(charset()));
            return {};
        }
        const auto first = SALVAGE_TRY(literal());
        const bool is_range = is_next('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
        if (!is_range) {
            add_character(set, first, letter_case);
            return {};
        }
        ++at_;
        const auto last = SALVAGE_TRY(literal());
        if (first.size() != 1 || last.size() != 1 || first > last) {
            return here("a range in a set leads nowhere", "ranges go upwards, as in [a-z]; write \\- for a dash");
        }
        for (auto c = static_cast<unsigned>(static_cast<unsigned char>(first.front()));
             c <= static_cast<unsigned char>(last.front()); ++c) {
            add_character(set, charset_of_byte(static_cast<unsigned char>(c)), letter_case);
        }
        return {};
    }

    /// "{" n "}" or "{" m "," n "}"
    Result<> repeat(TemplatePart& part)
    {
        ++at_;
        part.min = SALVAGE_TRY(number());
        part.max = part.min;
        if (is_next(',')) {
            ++at_;
            part.max = SALVAGE_TRY(number());
        }
        if (!is_next('}')) {
            return here("a repeat is not closed: a } was expected", "repeats look like {3} or {2,4}");
        }
        if (part.max == 0 || part.min > part.max || part.max > max_template_repeats) {
            return here(
                fmt::format("there is no repeat of {} to {} times", part.min, part.max),
                fmt::format("{} times are the most, and 1 the least that it can end with", max_template_repeats));
        }
        ++at_;
        return {};
    }

    Result<unsigned> number()
    {
        unsigned out = 0;
        const auto rest = text_.substr(at_);
        const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
        if (problem != std::errc{}) {
            return here("a repeat has no number", "repeats look like {3} or {2,4}; write \\{ for a brace");
        }
        at_ += static_cast<std::size_t>(end - rest.data());
        return out;
    }

    std::string_view text_;
    std::size_t at_{0};
    const CharsetBytes* custom_;
};

} // namespace

Result<TemplatePart> parse_template(std::string_view text, const CharsetBytes& custom)
{
    if (text.empty()) {
        return invalid_argument("the template is empty", {}, "Sommer?d?d is Sommer and two digits");
    }
    if (text.size() > max_template_bytes) {
        return invalid_argument("the template is too long",
                                fmt::format("it has {} bytes, {} are the most", text.size(), max_template_bytes),
                                "a word list is the better way to say so much");
    }
    return Parser{text, custom}.whole();
}

std::size_t longest_candidate(const TemplatePart& part, std::size_t bound)
{
    std::size_t once = 0;
    for (const auto& character : part.characters) {
        once = std::max(once, character.size());
    }
    for (const auto& inner : part.parts) {
        const auto longest = longest_candidate(inner, bound);
        once =
            part.kind == TemplatePart::Kind::sequence ? std::min(once + longest, bound + 1) : std::max(once, longest);
    }
    return std::min(once * part.max, bound + 1);
}

} // namespace salvage::password

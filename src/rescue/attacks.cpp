// From options to keyspaces.  What -a, -r, -j, -k, -1 and --increment mean is hashcat's; numbering and order are ours.
#include "salvage/rescue/attacks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/password/combine.hpp"
#include "salvage/password/dates.hpp"
#include "salvage/password/remembered.hpp"
#include "salvage/password/rules.hpp"
#include "salvage/password/stream.hpp"

namespace salvage::rescue {
namespace {

using password::KeyspacePtr;

/// The numbers of "4" or "4-6".
std::optional<std::pair<unsigned, unsigned>> parse_range(std::string_view text)
{
    unsigned first = 0;
    const auto* const end = text.data() + text.size();
    auto step = std::from_chars(text.data(), end, first);
    unsigned last = first;
    if (step.ec == std::errc{} && step.ptr != end && *step.ptr == '-') {
        step = std::from_chars(step.ptr + 1, end, last);
    }
    if (step.ec != std::errc{} || step.ptr != end || first > last) {
        return std::nullopt;
    }
    return std::pair{first, last};
}

Error wrong_words(AttackMode mode, std::size_t given, std::string_view expected)
{
    return invalid_argument(
        fmt::format("attack mode {} takes other things than were given", static_cast<unsigned>(mode)),
        fmt::format("{} were given, expected {}", given, expected));
}

/// Builds the steps one after another.
class Builder {
public:
    Builder(const AttackSpec& spec, int stdin_descriptor, const RunContext& context)
        : spec_{&spec}, stdin_{stdin_descriptor}, context_{&context}
    {
    }

    Result<std::vector<SearchStep>> steps()
    {
        SALVAGE_TRY(check_options());
        SALVAGE_TRY(add_mode());
        SALVAGE_TRY(add_pins());
        SALVAGE_TRY(add_patterns());
        SALVAGE_TRY(add_dates());
        SALVAGE_TRY(add_remembered());
        return std::move(steps_);
    }

private:
    void add(std::string name, KeyspacePtr keyspace)
    {
        steps_.push_back({.name = std::move(name), .keyspace = std::move(keyspace), .seconds = 0});
    }

    /// An option that would be passed over is a mistake of the person who gave it.
    Result<> check_options() const
    {
        const auto mode = spec_->mode.value_or(AttackMode::straight);
        const bool has_words = !spec_->words.empty() || spec_->mode;
        if (!spec_->rule_files.empty() && (!has_words || mode != AttackMode::straight)) {
            return invalid_argument("-r goes with word lists (-a 0) only", "another attack was asked for",
                                    "with -a 1, 6 and 7, -j and -k give a rule to the left and the right side");
        }
        const bool takes_sides = has_words && mode != AttackMode::mask;
        if ((!spec_->rule_left.empty() || !spec_->rule_right.empty()) && !takes_sides) {
            return invalid_argument("-j and -k go with word lists only", "another attack was asked for");
        }
        if (!spec_->rule_right.empty() && mode == AttackMode::straight) {
            return invalid_argument("-k is for the right side", "word lists alone (-a 0) have none", "use -j or -r");
        }
        const bool has_mask =
            mode == AttackMode::mask || mode == AttackMode::words_mask || mode == AttackMode::mask_words;
        if (spec_->increment && !has_mask) {
            return invalid_argument("--increment goes with masks only", "another attack was asked for");
        }
        return {};
    }

    Result<> add_mode()
    {
        if (!spec_->mode && spec_->words.empty()) {
            return {};
        }
        switch (spec_->mode.value_or(AttackMode::straight)) {
        case AttackMode::straight: return add_straight();
        case AttackMode::combinator: return add_combinator();
        case AttackMode::mask: return add_masks();
        case AttackMode::words_mask: return add_hybrid(Side::mask_right);
        case AttackMode::mask_words: return add_hybrid(Side::mask_left);
        }
        return {};
    }

    Result<KeyspacePtr> words_of(const std::string& path) const
    {
        if (path == "-") {
            return password::make_stream(stdin_, {.stop = context_->stop});
        }
        return password::make_wordlist(path, *context_);
    }

    static std::string name_of(const std::string& path)
    {
        return path == "-" ? std::string{"standard input"}
                           : "word list " + printable(std::filesystem::path{path}.filename().string());
    }

    Result<> add_straight()
    {
        const auto lists = spec_->words.empty() ? std::vector<std::string>{"-"} : spec_->words;
        const auto rules = SALVAGE_TRY(rules_of_files());
        for (const auto& path : lists) {
            auto words = SALVAGE_TRY(words_of(path));
            auto name = name_of(path);
            if (!spec_->rule_left.empty()) {
                const auto rule = SALVAGE_TRY(side_rule(spec_->rule_left, "-j"));
                words = SALVAGE_TRY(password::make_rules(words, password::RuleSet::of(rule)));
            }
            if (rules) {
                words = SALVAGE_TRY(password::make_rules(words, *rules));
                name += fmt::format(", {} rules", format_count(rules->size()));
            }
            add(std::move(name), std::move(words));
        }
        return {};
    }

    Result<std::optional<password::RuleSet>> rules_of_files() const
    {
        std::optional<password::RuleSet> out;
        for (const auto& path : spec_->rule_files) {
            auto next = SALVAGE_TRY(password::RuleSet::read(path).in("reading the rules of " + path.string()));
            out = out ? SALVAGE_TRY(out->combined_with(next)) : std::move(next);
        }
        return out;
    }

    static Result<password::Rule> side_rule(const std::string& text, std::string_view option)
    {
        return password::Rule::parse(text, password::RulePlace::side).in(fmt::format("reading the rule of {}", option));
    }

    Result<password::CombinatorOptions> sides() const
    {
        password::CombinatorOptions out;
        if (!spec_->rule_left.empty()) {
            out.left_rule = SALVAGE_TRY(side_rule(spec_->rule_left, "-j"));
        }
        if (!spec_->rule_right.empty()) {
            out.right_rule = SALVAGE_TRY(side_rule(spec_->rule_right, "-k"));
        }
        return out;
    }

    Result<> add_combinator()
    {
        constexpr std::size_t sides_of_a_word = 2;
        if (spec_->words.size() != sides_of_a_word) {
            return wrong_words(AttackMode::combinator, spec_->words.size(), "two word lists");
        }
        auto left = SALVAGE_TRY(words_of(spec_->words[0]));
        auto right = SALVAGE_TRY(words_of(spec_->words[1]));
        const auto options = SALVAGE_TRY(sides());
        add(name_of(spec_->words[0]) + " with " + name_of(spec_->words[1]),
            SALVAGE_TRY(password::make_combinator(std::move(left), std::move(right), options)));
        return {};
    }

    /// A mask, or the masks of a file of that name.
    Result<KeyspacePtr> mask_of(const std::string& text) const
    {
        std::error_code unknown; // a mask is rarely a file's name
        if (std::filesystem::is_regular_file(text, unknown)) {
            return password::make_mask_file({.path = text, .notation = spec_->notation, .increment = spec_->increment});
        }
        return password::make_mask(
            {.mask = text, .charsets = spec_->charsets, .notation = spec_->notation, .increment = spec_->increment});
    }

    Result<> add_masks()
    {
        if (spec_->words.empty()) {
            return wrong_words(AttackMode::mask, 0, "a mask such as ?d?d?d?d, or a mask file");
        }
        for (const auto& mask : spec_->words) {
            add("mask " + printable(mask), SALVAGE_TRY(mask_of(mask).in("reading the mask")));
        }
        return {};
    }

    enum class Side : std::uint8_t { mask_left, mask_right };

    Result<> add_hybrid(Side side)
    {
        const bool is_left = side == Side::mask_left;
        if (spec_->words.size() < 2) {
            return is_left ? wrong_words(AttackMode::mask_words, spec_->words.size(), "a mask, then word lists")
                           : wrong_words(AttackMode::words_mask, spec_->words.size(), "word lists, then a mask");
        }
        const auto& mask_text = is_left ? spec_->words.front() : spec_->words.back();
        const auto mask = SALVAGE_TRY(mask_of(mask_text).in("reading the mask"));
        const auto options = SALVAGE_TRY(sides());
        const std::span lists{spec_->words.begin() + (is_left ? 1 : 0), spec_->words.size() - 1};
        for (const auto& path : lists) {
            const auto words = SALVAGE_TRY(words_of(path));
            auto keyspace = is_left ? SALVAGE_TRY(password::make_combinator(mask, words, options))
                                    : SALVAGE_TRY(password::make_combinator(words, mask, options));
            const auto shown = "mask " + printable(mask_text);
            add(is_left ? shown + " with " + name_of(path) : name_of(path) + " with " + shown, std::move(keyspace));
        }
        return {};
    }

    Result<> add_pins()
    {
        if (spec_->pins.empty()) {
            return {};
        }
        const auto [min, max] = SALVAGE_TRY(parse_pin_range(spec_->pins));
        for (auto digits = min; digits <= max; ++digits) {
            add(fmt::format("{}-digit PIN", digits), SALVAGE_TRY(password::make_pins(digits, digits)));
        }
        return {};
    }

    static constexpr std::array encodings{password::PatternEncoding::digits, password::PatternEncoding::raw_zero};
    static std::string_view suffix_of(password::PatternEncoding encoding)
    {
        return encoding == password::PatternEncoding::digits ? "" : ", raw";
    }

    Result<> add_patterns()
    {
        constexpr unsigned usual_side = 3;
        constexpr unsigned shortest = 4; // Android's own minimum
        const auto side = spec_->grid.value_or(usual_side);
        for (const auto encoding : encodings) {
            if (!spec_->pattern.empty()) {
                add(fmt::format("{0}x{0} pattern, half remembered{1}", side, suffix_of(encoding)),
                    SALVAGE_TRY(password::make_remembered_pattern(spec_->pattern, side, encoding)));
            } else if (spec_->grid) {
                // Numbering more than 7 dots of 6x6 takes longer than a person waits for; who wants them says so.
                const auto longest = spec_->max_dots.value_or(side == 6U ? 7U : 9U);
                add(fmt::format("{0}x{0} pattern{1}", side, suffix_of(encoding)),
                    SALVAGE_TRY(password::make_patterns(side, shortest, longest, encoding)));
            }
        }
        return {};
    }

    Result<> add_dates()
    {
        if (spec_->dates.empty()) {
            return {};
        }
        password::DateSpec dates;
        dates.formats = spec_->date_formats;
        if (spec_->dates != "all") {
            const auto years = parse_range(spec_->dates);
            if (!years) {
                return invalid_argument(fmt::format("'{}' are no years", printable(spec_->dates)),
                                        "expected \"all\", a year, or a range as 1950-2010");
            }
            dates.from_year = years->first;
            dates.to_year = years->second;
        }
        add("dates", SALVAGE_TRY(password::make_dates(dates)));
        return {};
    }

    Result<> add_remembered()
    {
        for (const auto& text : spec_->remembered) {
            // The template is as good as the password: it is not among what is told.
            add("half remembered password",
                SALVAGE_TRY(password::make_remembered({.text = text, .charsets = spec_->charsets})));
        }
        return {};
    }

    const AttackSpec* spec_;
    int stdin_;
    const RunContext* context_;
    std::vector<SearchStep> steps_;
};

} // namespace

bool AttackSpec::is_empty() const noexcept
{
    return !mode && words.empty() && pins.empty() && !grid && pattern.empty() && dates.empty() && remembered.empty();
}

Result<PinRange> parse_pin_range(const std::string& text)
{
    const auto range = parse_range(text);
    if (!range) {
        return invalid_argument(fmt::format("'{}' is no number of digits", printable(text)),
                                "4 to 16, or a range as 4-6, was expected");
    }
    return PinRange{.min = range->first, .max = range->second};
}

Result<std::vector<SearchStep>> make_attacks(const AttackSpec& spec, int stdin_descriptor, const RunContext& context)
{
    return Builder{spec, stdin_descriptor, context}.steps();
}

} // namespace salvage::rescue

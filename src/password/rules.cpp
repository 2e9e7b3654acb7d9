// Rules as values: one, those of a file, and files combined.
#include "salvage/password/rules.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "password/rule_functions.hpp"
#include "password/take_line.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {
namespace {

Error too_many_rules(std::string_view name)
{
    return unsupported("a rule file has too many rules",
                       fmt::format("{} has more than {}", printable(name), format_count(max_rules)),
                       "split it and search with one part after another");
}

/// What is wrong with a rule file: the first line in full, the others by number.
class WrongLines {
public:
    /// "line 3, column 5: 'i' lacks its character".
    void add(Error error, std::size_t line, std::size_t line_at, std::string_view name)
    {
        if (first_) {
            constexpr std::size_t most_named = 10;
            ++others_;
            if (others_ <= most_named) {
                named_ += fmt::format("{}{}", named_.empty() ? "" : ", ", line);
            } else if (others_ == most_named + 1) {
                named_ += ", …";
            }
            return;
        }
        const auto column = error.where && !error.where->chain.empty() ? error.where->chain.back().at.value + 1 : 1;
        error.what = fmt::format("line {}, column {}: {}", line, column, error.what);
        first_ = std::move(error).at(name, ByteOffset{line_at});
    }
    [[nodiscard]] Result<> result() &&
    {
        if (!first_) {
            return {};
        }
        auto& hint = first_->hint;
        hint += hint.empty() ? "mend the line, or put a # before it" : "; or put a # before the line";
        if (others_ > 0) {
            hint += fmt::format("; {} more lines are wrong: {}", others_, named_);
        }
        return std::move(*first_);
    }

private:
    std::optional<Error> first_;
    std::size_t others_{0};
    std::string named_;
};

/// The steps of rule `number` of a file.
std::span<const RuleStep> steps_of(std::span<const RuleStep> steps, std::span<const std::uint32_t> ends,
                                   std::uint64_t number)
{
    const auto at = static_cast<std::size_t>(number);
    const std::size_t begin = at == 0 ? 0 : ends[at - 1];
    return steps.subspan(begin, ends[at] - begin);
}

std::string hash_of(std::span<const RuleStep> steps, std::span<const std::uint32_t> ends, RulePlace place)
{
    crypto::Sha256 hash;
    for (std::size_t number = 0; number < ends.size(); ++number) {
        const auto rule = steps_of(steps, ends, number);
        // The place and a rule's length part it from its neighbours.
        std::array<std::byte, 5> head{};
        store_le<std::uint32_t>(head, static_cast<std::uint32_t>(rule.size()));
        head.back() = static_cast<std::byte>(place);
        hash.update(head);
        for (const auto& step : rule) {
            const std::array<std::byte, 4> bytes{std::byte{step.function}, std::byte{step.parameters[0]},
                                                 std::byte{step.parameters[1]}, std::byte{step.parameters[2]}};
            hash.update(bytes);
        }
    }
    return to_hex(hash.finish());
}

} // namespace

Result<Rule> Rule::parse(std::string_view text, RulePlace place)
{
    Rule rule;
    rule.place_ = place;
    rule.steps_.clear();
    SALVAGE_TRY(parse_rule(text, rule.steps_));
    return rule;
}

bool Rule::apply(std::string& word) const
{
    return apply_rule(steps_, place_, word);
}

std::string Rule::text() const
{
    return rule_text(steps_);
}

std::optional<char> Rule::beyond_hashcat() const
{
    return password::beyond_hashcat(steps_, place_);
}

RuleSet RuleSet::of_file(File file, std::uint64_t beyond_hashcat)
{
    file.sha256 = hash_of(file.steps, file.ends, file.place);
    RuleSet out;
    out.size_ = file.ends.size();
    out.beyond_hashcat_ = beyond_hashcat;
    out.files_.push_back(std::make_shared<const File>(std::move(file)));
    return out;
}

Result<RuleSet> RuleSet::parse(std::string_view text, std::string_view name)
{
    File file;
    file.name = name;
    WrongLines wrong;
    std::uint64_t beyond = 0;
    const auto size = text.size();
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto line_at = size - text.size();
        const auto line = take_line(text);
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (file.ends.size() == max_rules) {
            return too_many_rules(name);
        }
        const auto begin = file.steps.size();
        if (auto parsed = parse_rule(line, file.steps); !parsed.has_value()) {
            file.steps.resize(begin);
            wrong.add(std::move(parsed).error(), number, line_at, name);
            continue;
        }
        // 2^24 rules of 255 steps fit into 32 bits.
        file.ends.push_back(static_cast<std::uint32_t>(file.steps.size()));
        beyond += password::beyond_hashcat(std::span{file.steps}.subspan(begin), file.place) ? 1U : 0U;
    }
    SALVAGE_TRY(std::move(wrong).result());
    return of_file(std::move(file), beyond);
}

Result<RuleSet> RuleSet::read(const std::filesystem::path& path)
{
    const auto source = SALVAGE_TRY(io::open_file(path).in("opening the rule file"));
    const auto bytes = SALVAGE_TRY(io::read_all(*source, max_rule_file_bytes).in("reading the rule file"));
    return parse(as_text(bytes), path.filename().string());
}

RuleSet RuleSet::of(const Rule& rule)
{
    File file;
    file.steps = rule.steps();
    file.ends = {static_cast<std::uint32_t>(file.steps.size())};
    file.place = rule.place();
    return of_file(std::move(file), rule.beyond_hashcat() ? 1 : 0);
}

Result<RuleSet> RuleSet::combined_with(const RuleSet& next) const
{
    const auto size = checked_multiply(size_, next.size_);
    if (!size) {
        return invalid_argument("these rule files are too many together",
                                fmt::format("{} and {} rules combined do not fit in 64 bits", format_count(size_),
                                            format_count(next.size_)),
                                "leave one of them out");
    }
    RuleSet out{*this};
    out.files_.insert(out.files_.end(), next.files_.begin(), next.files_.end());
    out.size_ = *size;
    out.beyond_hashcat_ += next.beyond_hashcat_;
    return out;
}

bool RuleSet::apply(std::uint64_t index, std::string& word) const
{
    for (const auto& file : files_) {
        const auto count = file->ends.size();
        if (!apply_rule(steps_of(file->steps, file->ends, index % count), file->place, word)) {
            return false;
        }
        index /= count;
    }
    return true;
}

std::string RuleSet::text(std::uint64_t index) const
{
    std::string out;
    for (const auto& file : files_) {
        const auto count = file->ends.size();
        out += out.empty() ? "" : " ";
        out += rule_text(steps_of(file->steps, file->ends, index % count));
        index /= count;
    }
    return out.empty() ? ":" : out;
}

std::string RuleSet::identity() const
{
    std::string out = "rules";
    for (const auto& file : files_) {
        out += ":sha256=" + file->sha256;
    }
    return out;
}

std::string RuleSet::description() const
{
    std::string out;
    for (const auto& file : files_) {
        out += out.empty() ? "" : " combined with ";
        out += file->name.empty()
                   ? "the rule " + printable(rule_text(file->steps))
                   : fmt::format("{} rules of {}", format_count(file->ends.size()), printable(file->name));
    }
    if (beyond_hashcat_ > 0) {
        out += fmt::format(" ({} that hashcat passes over)", format_count(beyond_hashcat_));
    }
    return out.empty() ? "no rules" : out;
}

} // namespace salvage::password

// Dates as a keyspace: all are written once to find those that come twice; what is kept is which they are.
#include "salvage/password/dates.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "password/date_format.hpp"
#include "password/text_check.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr unsigned likeliest_year = 1990; // as with PINs; docs/pin-order.md
constexpr unsigned earliest_year = 1000;  // YYYY has four digits
constexpr unsigned latest_year = 9999;
constexpr std::size_t max_formats = 32;
constexpr std::size_t max_texts = 2'000'000; // all common formats over 300 years
/// Rises when the order changes: a session counts in this order.
constexpr unsigned order_version = 1;

/// From the likeliest outwards, later before earlier.
std::vector<unsigned> years_in_order(unsigned from, unsigned to)
{
    const auto middle = std::clamp(likeliest_year, from, to);
    std::vector<unsigned> out{middle};
    for (unsigned away = 1; out.size() < to - from + 1; ++away) {
        if (middle + away <= to) {
            out.push_back(middle + away);
        }
        if (middle >= from + away) {
            out.push_back(middle - away);
        }
    }
    return out;
}

class Calendar {
public:
    Calendar(std::vector<unsigned> years, std::vector<DateFormat> formats)
        : years_{std::move(years)}, formats_{std::move(formats)}
    {
    }

    /// Which date it is, in which format: ((year's place + 1) * formats + format) * 366 + day.  Place 0 is no year.
    /// At most 9001 * 32 * 366: fits.
    using Code = std::uint32_t;

    void write(Code code, std::string& into) const
    {
        auto date = date_of(code % days_of_leap_year);
        const auto rest = code / days_of_leap_year;
        const auto place = rest / formats_.size();
        date.year = place == 0 ? 0 : years_[place - 1];
        formats_[rest % formats_.size()].write(date, into);
    }

    /// Calls with every code in order of likelihood; texts come more than once.
    template <typename Use>
    void for_each(const Use& use) const
    {
        for (std::size_t place = 0; place <= years_.size(); ++place) {
            for (std::size_t format = 0; format < formats_.size(); ++format) {
                if (formats_[format].has_year() == (place != 0)) {
                    days_of(place, format, use);
                }
            }
        }
    }

private:
    template <typename Use>
    void days_of(std::size_t place, std::size_t format, const Use& use) const
    {
        const auto first = static_cast<Code>((place * formats_.size() + format) * days_of_leap_year);
        const auto days = formats_[format].has_day() ? days_of_leap_year : 1;
        for (unsigned day = 0; day < days; ++day) {
            if (day != leap_day || place == 0 || is_leap(years_[place - 1])) {
                use(first + day);
            }
        }
    }

    std::vector<unsigned> years_;
    std::vector<DateFormat> formats_;
};

/// FNV-1a, 64 bits: only to bring equal texts together.
std::uint64_t hash_of(std::string_view text)
{
    std::uint64_t hash = 0xCBF29CE484222325;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    }
    return hash;
}

struct Text {
    std::uint64_t hash{};
    std::uint32_t place{}; ///< in the order of likelihood
    Calendar::Code code{};
};

/// Takes out of texts with one hash those that an earlier one repeats.
void drop_repeated(const Calendar& calendar, std::span<const Text> same_hash, std::vector<bool>& is_repeated)
{
    std::vector<std::string> known;
    for (const auto& text : same_hash) {
        std::string written;
        calendar.write(text.code, written);
        if (std::ranges::find(known, written) != known.end()) {
            is_repeated[text.place] = true;
        } else {
            known.push_back(std::move(written));
        }
    }
}

Result<std::vector<Calendar::Code>> different_dates(const Calendar& calendar)
{
    std::vector<Text> texts;
    std::string written;
    calendar.for_each([&](Calendar::Code code) {
        if (texts.size() <= max_texts) {
            written.clear();
            calendar.write(code, written);
            texts.push_back(
                {.hash = hash_of(written), .place = static_cast<std::uint32_t>(texts.size()), .code = code});
        }
    });
    if (texts.size() > max_texts) {
        return invalid_argument("these are too many dates", fmt::format("over {} texts", format_count(max_texts)),
                                "ask for fewer years or formats at a time");
    }
    std::vector<Calendar::Code> codes;
    codes.reserve(texts.size());
    for (const auto& text : texts) {
        codes.push_back(text.code);
    }
    std::ranges::sort(texts, {}, [](const Text& text) { return std::pair{text.hash, text.place}; });
    std::vector<bool> is_repeated(codes.size());
    for (auto first = texts.begin(); first != texts.end();) {
        const auto last = std::find_if(first, texts.end(), [&](const Text& text) { return text.hash != first->hash; });
        drop_repeated(calendar, {first, last}, is_repeated);
        first = last;
    }
    std::vector<Calendar::Code> out;
    for (std::size_t place = 0; place < codes.size(); ++place) {
        if (!is_repeated[place]) {
            out.push_back(codes[place]);
        }
    }
    return out;
}

class Dates final : public ComputedKeyspace {
public:
    Dates(Calendar calendar, std::vector<Calendar::Code> codes, std::string identity, std::string description)
        : calendar_{std::move(calendar)}, codes_{std::move(codes)}, identity_{std::move(identity)},
          description_{std::move(description)}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{codes_.size()}; }
    [[nodiscard]] std::string identity() const override { return identity_; }
    [[nodiscard]] std::string description() const override { return description_; }

protected:
    void compute(std::uint64_t index, Candidate& into) const override
    {
        calendar_.write(codes_[static_cast<std::size_t>(index)], into.bytes);
    }

private:
    Calendar calendar_;
    std::vector<Calendar::Code> codes_;
    std::string identity_;
    std::string description_;
};

} // namespace

std::vector<std::string> common_date_formats()
{
    return {"DDMM",       "MMDD",     "YYYY",       "DDMMYY",     "MMDDYY",     "YYMMDD",    "DDMMYYYY",
            "MMDDYYYY",   "YYYYMMDD", "MMYY",       "MMYYYY",     "DMYY",       "DMYYYY",    "DD.MM.YY",
            "DD.MM.YYYY", "D.M.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY", "YYYY-MM-DD"};
}

Result<KeyspacePtr> make_dates(const DateSpec& spec)
{
    if (spec.from_year < earliest_year || spec.to_year > latest_year || spec.from_year > spec.to_year) {
        return invalid_argument("there are no such years for dates",
                                fmt::format("asked for {} to {}", spec.from_year, spec.to_year),
                                fmt::format("years go from {} to {}", earliest_year, latest_year));
    }
    const auto texts = spec.formats.empty() ? common_date_formats() : spec.formats;
    if (texts.size() > max_formats) {
        return invalid_argument("these are too many date formats",
                                fmt::format("{} were given, {} are the most", texts.size(), max_formats));
    }
    TextCheck check;
    std::vector<DateFormat> formats;
    for (const auto& text : texts) {
        formats.push_back(SALVAGE_TRY(DateFormat::parse(text).in("reading a date format")));
        check.add(text);
    }
    Calendar calendar{years_in_order(spec.from_year, spec.to_year), std::move(formats)};
    auto codes = SALVAGE_TRY(different_dates(calendar));
    auto identity = fmt::format("dates:{}:{}:{}:check={}:order={}", spec.from_year, spec.to_year, codes.size(),
                                check.finish(), order_version);
    auto description = fmt::format("dates of {} to {} in {} format{}", spec.from_year, spec.to_year, texts.size(),
                                   texts.size() == 1 ? "" : "s");
    return KeyspacePtr{std::make_shared<const Dates>(std::move(calendar), std::move(codes), std::move(identity),
                                                     std::move(description))};
}

} // namespace salvage::password

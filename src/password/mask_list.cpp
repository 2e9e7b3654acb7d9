// Masks as numbers.
#include "password/mask_list.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "password/text_check.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

/// The lengths to cut a mask of `places` to, first and last.
Result<MaskIncrement> cuts_of(std::size_t places, const std::optional<MaskIncrement>& increment)
{
    const auto whole = static_cast<unsigned>(places);
    if (!increment) {
        return MaskIncrement{.min = whole, .max = whole};
    }
    if (increment->min == 0 || increment->min > increment->max) {
        return invalid_argument("there are no lengths to increment over",
                                fmt::format("asked for {} to {} places", increment->min, increment->max),
                                "give --increment-min as 1 or more, and not above --increment-max");
    }
    if (increment->min > whole) {
        return invalid_argument("the mask is shorter than its increment",
                                fmt::format("it has {} places, --increment-min is {}", whole, increment->min),
                                "lengthen the mask or lower --increment-min");
    }
    return MaskIncrement{.min = increment->min, .max = std::min(increment->max, whole)};
}

} // namespace

Error beyond_64_bits(std::string_view what, long double count)
{
    return invalid_argument(fmt::format("{} describes too many candidates", what),
                            fmt::format("about {:.3g}; 64 bits number {}", count, format_count(~std::uint64_t{0})),
                            "no search gets through a billionth of that; say more of what is known");
}

std::uint32_t MaskList::charset_number(std::string_view bytes)
{
    const auto known = known_charsets_.find(bytes);
    if (known != known_charsets_.end()) {
        return known->second;
    }
    const auto number = static_cast<std::uint32_t>(charsets_.size());
    charsets_.emplace_back(bytes);
    known_charsets_.emplace(bytes, number);
    return number;
}

Result<> MaskList::add(std::string_view mask, MaskNotation notation, const CharsetBytes& custom,
                       const std::optional<MaskIncrement>& increment)
{
    const auto first_place = places_.size();
    ElementReader reader{mask, notation, custom};
    while (!reader.is_at_end()) {
        if (places_.size() - first_place == max_mask_places) {
            return invalid_argument("the mask is too long", fmt::format("it has over {} places", max_mask_places));
        }
        places_.push_back(charset_number(SALVAGE_TRY(reader.next())));
    }
    const auto places = places_.size() - first_place;
    if (places == 0) {
        return invalid_argument("the mask is empty", {}, "give one place at least: ?d is a digit");
    }
    return add_cuts(first_place, SALVAGE_TRY(cuts_of(places, increment)));
}

Result<> MaskList::add_cuts(std::size_t first_place, MaskIncrement cuts)
{
    std::optional<std::uint64_t> count = 1;
    long double about = 1;
    for (std::size_t places = 1; places <= cuts.max; ++places) {
        const auto bytes = place(first_place + places - 1).size();
        count = count ? checked_multiply<std::uint64_t>(*count, bytes) : std::nullopt;
        about *= static_cast<long double>(bytes);
        if (places < cuts.min) {
            continue;
        }
        const auto end = count ? checked_add(size(), *count) : std::nullopt;
        if (!end) {
            return beyond_64_bits(first_place == 0 ? fmt::format("the mask of {} places", places) : "the list of masks",
                                  about + static_cast<long double>(size()));
        }
        masks_.push_back({.first_place = first_place, .places = places, .end = *end});
        shortest_ = shortest_ == 0 ? places : std::min(shortest_, places);
        longest_ = std::max(longest_, places);
    }
    return {};
}

void MaskList::write(std::uint64_t index, std::string& into) const
{
    const auto mask = std::ranges::upper_bound(masks_, index, {}, &Mask::end);
    auto rest = mask == masks_.begin() ? index : index - std::prev(mask)->end;
    into.resize(mask->places);
    for (auto i = mask->places; i-- > 0;) {
        const auto bytes = place(mask->first_place + i);
        into[i] = bytes[rest % bytes.size()];
        rest /= bytes.size();
    }
}

std::string MaskList::check() const
{
    TextCheck out;
    for (const auto& bytes : charsets_) {
        out.add(bytes);
    }
    for (const auto number : places_) {
        out.add(number);
    }
    for (const auto& mask : masks_) {
        out.add(mask.first_place);
        out.add(mask.places);
    }
    return out.finish();
}

} // namespace salvage::password

// Whether a footer lies where its own fields say.  The sums follow from vold's cryptfs_enable_internal (fs_size) and
// put_crypt_ftr_and_key (persist_data_offset).
#include <fmt/format.h>

#include <vector>

#include <fmt/ranges.h>

#include "salvage/core/text.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {
namespace {

/// CRYPT_PERSIST_DATA_OFFSET: the first copy's distance from the footer.
constexpr std::uint64_t persist_distance = 0x1000;
/// Footers in a partition's tail begin 16 KiB before its end; some trees reserve 20 or 32 KiB.
constexpr std::uint64_t largest_tail = 0x8000;
/// Android 9 rounds fs_size down to the sector size of dm-crypt.
constexpr std::uint64_t largest_rounding = 4096;

struct Sum {
    bool fits{};
    std::string text;
};

std::string exact(std::uint64_t bytes)
{
    return format_size_exact(ByteCount{bytes});
}

bool equals_but_for_rounding(std::uint64_t rounded, std::uint64_t size)
{
    return rounded <= size && size - rounded < largest_rounding;
}

/// The footer names the absolute place of its persist data, and so its own.
std::optional<Sum> persist_sum(const CryptoFooter& footer, std::uint64_t at)
{
    const auto first = footer.persist_data_offset.front();
    if (first < persist_distance) {
        return std::nullopt;
    }
    const auto own = first - persist_distance;
    return Sum{.fits = own == at,
               .text = fmt::format("persist_data_offset {:#x} - {:#x} = {}, and the footer is at {}", first,
                                   persist_distance, format_offset(ByteOffset{own}), format_offset(ByteOffset{at}))};
}

std::optional<Sum> size_sum(const CryptoFooter& footer, std::uint64_t at, std::uint64_t partition,
                            std::optional<ByteCount> userdata)
{
    const auto mapped = to_bytes(footer.fs_size, sector_512());
    if (!mapped || mapped->value == 0) {
        return std::nullopt;
    }
    const auto volume = mapped->value;
    const bool is_in_tail = at != 0 && partition - at <= largest_tail;
    if (is_in_tail && volume <= at && at - volume <= largest_tail - (partition - at)) {
        return Sum{.fits = true,
                   .text =
                       fmt::format("fs_size * 512 = {}, and {} are left of the partition's {}: the footer's reserve",
                                   exact(volume), exact(partition - volume), exact(partition))};
    }
    if (is_in_tail) {
        return Sum{.fits = false,
                   .text = fmt::format("fs_size * 512 = {}, and the footer begins at byte {} of its partition",
                                       exact(volume), format_offset(ByteOffset{at}))};
    }
    if (!userdata) {
        return std::nullopt;
    }
    return Sum{.fits = equals_but_for_rounding(volume, userdata->value),
               .text = fmt::format("fs_size * 512 = {}, and userdata has {}", exact(volume), exact(userdata->value))};
}

} // namespace

PlacementCheck check_placement(const CryptoFooter& footer, ByteOffset at_in_partition, ByteCount partition_size,
                               std::optional<ByteCount> userdata_size)
{
    if (at_in_partition.value >= partition_size.value) {
        return {.fits = false, .text = "the footer lies beyond its partition"};
    }
    PlacementCheck out{.fits = true, .text = {}};
    std::vector<std::string> texts;
    const auto size = size_sum(footer, at_in_partition.value, partition_size.value, userdata_size);
    for (const auto& sum : {size, persist_sum(footer, at_in_partition.value)}) {
        if (sum) {
            out.fits = out.fits && sum->fits;
            texts.push_back(sum->text);
        }
    }
    if (texts.empty()) {
        return {.fits = false, .text = "nothing in the footer says where it belongs"};
    }
    out.text = fmt::format("{}: {}.", out.fits ? "The footer lies where its fields say" : "The footer lies elsewhere",
                           fmt::join(texts, "; "));
    return out;
}

} // namespace salvage::fde

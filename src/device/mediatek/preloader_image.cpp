// The DRAM settings at the end of a preloader.  Spec: docs/formats/mediatek-preloader.md.
#include "salvage/device/preloader_image.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device {
namespace {

// "MMM", header type 1, header size 0x38: a GFH file info.
constexpr std::array image_magic{std::byte{0x4D}, std::byte{0x4D}, std::byte{0x4D}, std::byte{0x01},
                                 std::byte{0x38}, std::byte{0x00}, std::byte{0x00}, std::byte{0x00}};
constexpr std::size_t header_bytes = 0x38;
constexpr std::size_t file_length_at = 0x20;
constexpr std::size_t signature_length_at = 0x2C;
constexpr std::string_view settings_marker = "MTK_BLOADER_INFO_v";
constexpr std::size_t padding_bytes = 0x800;             // some images have this much behind the settings
constexpr std::uint32_t max_settings_bytes = 64U << 10U; // known ones are below 16 KiB

/// The preloader without its signature.  Errors: malformed.
Result<ByteView> body_of(ByteView image, std::size_t start)
{
    const auto head = image.subspan(start);
    if (head.size() < header_bytes) {
        return malformed(ByteOffset{start}, "the preloader image ends within its header");
    }
    const auto length = load_le<std::uint32_t>(head.subspan(file_length_at));
    const auto signature = load_le<std::uint32_t>(head.subspan(signature_length_at));
    if (length > head.size() || signature > length || length - signature < header_bytes) {
        return malformed(ByteOffset{start + file_length_at}, "the preloader image's sizes contradict the file",
                         fmt::format("it says {} bytes with {} of signature, the file has {} from there", length,
                                     signature, head.size()));
    }
    return head.first(length - signature);
}

/// The settings are counted in the last word of the body.
std::optional<ByteView> last_block(ByteView body)
{
    if (body.size() < 4) {
        return std::nullopt;
    }
    const auto size = load_le<std::uint32_t>(body.last(4));
    if (size == 0 || size > max_settings_bytes || size > body.size() - 4) {
        return std::nullopt;
    }
    return body.subspan(body.size() - 4 - size, size);
}

std::optional<ByteView> settings_block(ByteView body)
{
    const auto is_settings = [](std::optional<ByteView> block) {
        return block && block->size() >= settings_marker.size() + 2 && as_text(*block).starts_with(settings_marker);
    };
    if (const auto block = last_block(body); is_settings(block)) {
        return block;
    }
    if (body.size() > padding_bytes) {
        if (const auto block = last_block(body.first(body.size() - padding_bytes)); is_settings(block)) {
            return block;
        }
    }
    return std::nullopt;
}

/// The two digits behind the marker, or fewer.
std::uint32_t version_of(ByteView block)
{
    std::uint32_t version = 0;
    for (const char digit : as_text(block.subspan(settings_marker.size(), 2))) {
        if (digit < '0' || digit > '9') {
            break;
        }
        version = version * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    return version;
}

} // namespace

Result<DramSettings> find_dram_settings(ByteView image)
{
    const auto found = std::ranges::search(image, image_magic);
    if (found.empty()) {
        return Error{malformed(ByteOffset{0}, "this is no preloader image",
                               "found no MMM header, expected one at the start or behind EMMC_BOOT")}
            .with_hint("give the preloader_….bin of exactly this phone model's firmware, or a dump of its boot1");
    }
    const auto start = static_cast<std::size_t>(found.begin() - image.begin());
    const auto body = SALVAGE_TRY(body_of(image, start));
    const auto block = settings_block(body);
    if (!block) {
        return malformed(ByteOffset{start + body.size()}, "the preloader image holds no DRAM settings",
                         fmt::format("expected a block that begins with \"{}\" at its end", settings_marker));
    }
    return DramSettings{.version = version_of(*block), .bytes = Bytes{block->begin(), block->end()}};
}

} // namespace salvage::device

// The properties beside a footer.  AOSP system/vold cryptfs.h, struct crypt_persist_data.
#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {
namespace {

constexpr std::uint32_t persist_magic = 0xE950CD44;
constexpr std::size_t header_bytes = 128;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t value_bytes = 92;
/// What fits in one copy of 0x1000 bytes.
constexpr std::uint32_t max_entries = (0x1000 - header_bytes) / (key_bytes + value_bytes);

} // namespace

Result<std::vector<PersistEntry>> parse_persist_data(ByteView bytes)
{
    ByteReader reader{bytes};
    const auto magic = SALVAGE_TRY(reader.le<std::uint32_t>().in("reading the magic of the persist data"));
    if (magic != persist_magic) {
        return malformed(ByteOffset{0}, "persist data has no valid magic",
                         fmt::format("found {}, expected 44 CD 50 E9", to_spaced_hex(bytes.first(4))));
    }
    const auto count_at = reader.position();
    const auto count = SALVAGE_TRY(reader.le<std::uint32_t>().in("reading the number of entries"));
    if (count > max_entries) {
        return malformed(count_at, "persist data has more entries than fit",
                         fmt::format("{} entries at {}, {} are the most", count, format_offset(count_at), max_entries));
    }
    SALVAGE_TRY(reader.seek(ByteOffset{header_bytes}).in("passing over the spare words"));
    std::vector<PersistEntry> out;
    for (std::uint32_t i = 0; i < count; ++i) {
        PersistEntry entry;
        entry.key = SALVAGE_TRY(reader.fixed_text(key_bytes).in(fmt::format("reading the key of entry {}", i)));
        entry.value = SALVAGE_TRY(reader.fixed_text(value_bytes).in(fmt::format("reading the value of entry {}", i)));
        out.push_back(std::move(entry));
    }
    return out;
}

} // namespace salvage::fde

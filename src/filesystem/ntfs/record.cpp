// Records of the master file table, taken apart.
#include "record.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "filesystem/fields.hpp"
#include "filesystem/utf16.hpp"

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::size_t stride = 512; // of update sequences, whatever the sector size
constexpr std::size_t header_bytes = 42;
constexpr std::size_t resident_header_bytes = 24;
constexpr std::size_t run_header_bytes = 64;
constexpr std::size_t name_header_bytes = 66;
// Of clusters of 2 MiB, more bytes than a file can have; sums of such numbers and their bytes fit in 64 bits.
constexpr std::uint64_t max_cluster = 1ULL << 40U;

/// `count` bytes as a signed number.
std::int64_t signed_number(ByteView bytes) noexcept
{
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    }
    if (bytes.size() < 8 && !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0}) {
        out |= ~std::uint64_t{0} << (8 * bytes.size());
    }
    return static_cast<std::int64_t>(out);
}

Result<> read_resident(ByteView bytes, Attribute& out)
{
    const std::size_t size = load_le<std::uint32_t>(bytes.subspan(16));
    const std::size_t at = load_le<std::uint16_t>(bytes.subspan(20));
    if (at > bytes.size() || size > bytes.size() - at) {
        return malformed(ByteOffset{16}, "an attribute's value is longer than the attribute",
                         fmt::format("{} bytes at {} of {}", size, at, bytes.size()));
    }
    const auto value = bytes.subspan(at, size);
    out.value.assign(value.begin(), value.end());
    return {};
}

Result<> read_non_resident(ByteView bytes, Attribute& out)
{
    if (bytes.size() < run_header_bytes) {
        return malformed(ByteOffset{4}, "an attribute is shorter than its header", fmt::format("{}", bytes.size()));
    }
    out.is_resident = false;
    out.first_cluster = Fields{bytes}.u64(16);
    out.unit_shift = std::to_integer<unsigned>(bytes[34]);
    out.size = Fields{bytes}.u64(48);
    out.initialised = Fields{bytes}.u64(56);
    const std::size_t runs_at = load_le<std::uint16_t>(bytes.subspan(32));
    const bool is_sane =
        runs_at <= bytes.size() && out.first_cluster < max_cluster && out.unit_shift <= 8 && (out.size >> 63U) == 0;
    if (!is_sane) {
        return malformed(ByteOffset{16}, "the header of an attribute is impossible",
                         fmt::format("runs at {}, first cluster {}, size {}", runs_at, out.first_cluster, out.size));
    }
    auto runs = parse_runs(bytes.subspan(runs_at), out.first_cluster);
    if (runs.has_value()) {
        out.runs = std::move(*runs);
    } else {
        out.damage = std::move(runs).error().in("reading the runs of an attribute");
    }
    return {};
}

Result<Attribute> parse_attribute(ByteView bytes)
{
    Attribute out;
    out.type = load_le<std::uint32_t>(bytes);
    const auto units = std::to_integer<std::size_t>(bytes[9]);
    const std::size_t name_at = load_le<std::uint16_t>(bytes.subspan(10));
    out.flags = load_le<std::uint16_t>(bytes.subspan(12));
    if (units != 0) {
        if (name_at > bytes.size() || units * 2 > bytes.size() - name_at) {
            return malformed(ByteOffset{10}, "an attribute's name is longer than the attribute",
                             fmt::format("{} characters at {} of {}", units, name_at, bytes.size()));
        }
        out.name = name_from_utf16(bytes.subspan(name_at, units * 2));
    }
    const bool is_resident = bytes[8] == std::byte{0};
    SALVAGE_TRY(is_resident ? read_resident(bytes, out) : read_non_resident(bytes, out));
    return out;
}

/// `used`: bytes of the record that are said to be in use.
void read_attributes(ByteView record, std::size_t at, std::size_t used, FileRecord& out)
{
    const auto damaged = [&](Error error) { out.damage = std::move(error); };
    while (true) {
        if (at > used || used - at < 4) {
            damaged(malformed(ByteOffset{at}, "the attributes of a file record have no end"));
            return;
        }
        const auto rest = record.subspan(at, used - at);
        if (load_le<std::uint32_t>(rest) == attribute_type::end) {
            return;
        }
        const std::size_t bytes = rest.size() < 8 ? 0 : load_le<std::uint32_t>(rest.subspan(4));
        if (bytes < resident_header_bytes || bytes > rest.size() || bytes % 8 != 0) {
            damaged(malformed(ByteOffset{at + 4}, "an attribute has an impossible length",
                              fmt::format("{} bytes, {} left", bytes, rest.size())));
            return;
        }
        auto attribute = parse_attribute(rest.first(bytes));
        if (!attribute.has_value()) {
            damaged(std::move(attribute).error());
            return;
        }
        out.attributes.push_back(std::move(*attribute));
        at += bytes;
    }
}

} // namespace

Reference reference_at(ByteView eight) noexcept
{
    const auto number = load_le<std::uint64_t>(eight);
    return {.record = number & 0xFFFFFFFFFFFFULL, .sequence = static_cast<std::uint16_t>(number >> 48U)};
}

bool is_same_life(std::uint16_t found, std::uint16_t meant, bool is_in_use) noexcept
{
    const auto freed = static_cast<std::uint16_t>(meant == 0xFFFF ? 1 : meant + 1);
    return found == meant || (!is_in_use && found == freed);
}

bool has_record_magic(ByteView bytes) noexcept
{
    return bytes.size() >= header_bytes && as_text(bytes.first(4)) == "FILE";
}

Result<> apply_fixups(std::span<std::byte> block)
{
    const std::size_t at = load_le<std::uint16_t>(block.subspan(4));
    const std::size_t count = load_le<std::uint16_t>(block.subspan(6));
    const auto sectors = block.size() / stride;
    if (count != sectors + 1 || at < 8 || at % 2 != 0 || at + count * 2 > stride - 2) {
        return malformed(ByteOffset{4}, "an update sequence does not fit its block",
                         fmt::format("{} numbers at {}, for {} sectors", count, at, sectors));
    }
    const auto sequence = block.subspan(at, 2);
    for (std::size_t i = 1; i < count; ++i) {
        const auto end = block.subspan(i * stride - 2, 2);
        if (!std::ranges::equal(end, sequence)) {
            return malformed(ByteOffset{i * stride - 2}, "a sector of a block is not as old as the others",
                             fmt::format("found {}, expected {}", to_spaced_hex(end), to_spaced_hex(sequence)));
        }
        std::ranges::copy(block.subspan(at + i * 2, 2), end.begin());
    }
    return {};
}

Result<std::vector<ClusterRun>> parse_runs(ByteView bytes, std::uint64_t first)
{
    std::vector<ClusterRun> out;
    std::uint64_t place = 0;
    for (std::size_t at = 0; at < bytes.size() && bytes[at] != std::byte{0};) {
        const auto header = std::to_integer<std::size_t>(bytes[at]);
        const auto count_bytes = header & 0x0FU;
        const auto place_bytes = header >> 4U;
        if (count_bytes == 0 || count_bytes > 8 || place_bytes > 8 ||
            bytes.size() - at - 1 < count_bytes + place_bytes) {
            return malformed(ByteOffset{at}, "a run of clusters is cut", fmt::format("its header is {:02X}", header));
        }
        const auto count = signed_number(bytes.subspan(at + 1, count_bytes));
        if (count <= 0 || static_cast<std::uint64_t>(count) > max_cluster || first > max_cluster) {
            return malformed(ByteOffset{at}, "a run of clusters has an impossible length", fmt::format("{}", count));
        }
        ClusterRun run{.first = first, .count = static_cast<std::uint64_t>(count), .on_volume = {}};
        if (place_bytes != 0) {
            const auto step = signed_number(bytes.subspan(at + 1 + count_bytes, place_bytes));
            place += static_cast<std::uint64_t>(step); // wraps where it is negative, as it should
            if (place > max_cluster) {
                return malformed(ByteOffset{at}, "a run of clusters lies at an impossible place",
                                 fmt::format("a step of {}", step));
            }
            run.on_volume = place;
        }
        first += run.count;
        out.push_back(run);
        at += 1 + count_bytes + place_bytes;
    }
    return out;
}

Result<FileRecord> parse_record(Bytes bytes)
{
    if (!has_record_magic(bytes)) {
        return malformed({}, "a file record has no valid magic",
                         fmt::format("found {}, expected 46 49 4C 45",
                                     to_spaced_hex(ByteView{bytes}.first(std::min<std::size_t>(4, bytes.size())))));
    }
    SALVAGE_TRY(apply_fixups(bytes));
    const ByteView view{bytes};
    FileRecord out;
    out.sequence = load_le<std::uint16_t>(view.subspan(16));
    const auto flags = load_le<std::uint16_t>(view.subspan(22));
    out.is_in_use = (flags & 1U) != 0;
    out.is_directory = (flags & 2U) != 0;
    out.base = reference_at(view.subspan(32));
    const std::size_t used = load_le<std::uint32_t>(view.subspan(24));
    read_attributes(view, load_le<std::uint16_t>(view.subspan(20)), std::min(used, bytes.size()), out);
    return out;
}

std::optional<FileName> parse_file_name(ByteView value)
{
    if (value.size() < name_header_bytes) {
        return std::nullopt;
    }
    const auto units = std::to_integer<std::size_t>(value[64]);
    if (units == 0 || units * 2 > value.size() - name_header_bytes) {
        return std::nullopt;
    }
    FileName out;
    out.parent = reference_at(value);
    out.created = time_from_windows(Fields{value}.u64(8));
    out.modified = time_from_windows(Fields{value}.u64(16));
    out.changed = time_from_windows(Fields{value}.u64(24));
    out.accessed = time_from_windows(Fields{value}.u64(32));
    out.size = Fields{value}.u64(48);
    out.flags = load_le<std::uint32_t>(value.subspan(56));
    out.space = static_cast<FileName::Space>(std::to_integer<unsigned>(value[65]) & 3U);
    out.name = name_from_utf16(value.subspan(name_header_bytes, units * 2));
    if (out.name == "." || out.name == "..") {
        return std::nullopt;
    }
    return out;
}

Timestamp time_from_windows(std::uint64_t ticks) noexcept
{
    constexpr std::uint64_t ticks_a_second = 10'000'000;
    constexpr std::int64_t from_1601_to_1970 = 11'644'473'600;
    return {.seconds = static_cast<std::int64_t>(ticks / ticks_a_second) - from_1601_to_1970,
            .nanoseconds = static_cast<std::uint32_t>(ticks % ticks_a_second * 100)};
}

} // namespace salvage::filesystem::ntfs

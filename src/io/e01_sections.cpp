// The chain of sections of an E01 segment: descriptors, geometry, tables, hashes.
//
// Numbers are little endian; every structure ends in the Adler-32 of what is before it.
#include "io/e01_sections.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

constexpr std::uint64_t segment_header_bytes = 13;
constexpr std::size_t descriptor_bytes = 76;
constexpr std::size_t volume_bytes = 1052;
constexpr std::size_t smart_volume_bytes = 94;
constexpr std::size_t table_header_bytes = 24;
constexpr std::size_t error_header_bytes = 520;
// EnCase offers up to 32768 sectors of 512 bytes a chunk.
constexpr std::uint64_t max_chunk_bytes = 16ULL << 20U;
// As an Android sparse image can claim: what no table names is unreadable, and is walked over all the same.
constexpr std::uint64_t max_size = 16ULL << 40U;
// A header holds a few hundred characters; some tools put a log into its notes.
constexpr std::uint64_t max_header_packed = 1ULL << 20U;
constexpr std::size_t max_header_text = 4U << 20U;
constexpr std::uint32_t max_acquisition_errors = 1U << 20U;
constexpr std::size_t max_sentences = 64;
constexpr std::uint32_t offset_bits = 0x7FFF'FFFF;

std::uint32_t adler(ByteView bytes, std::uint32_t start = 1)
{
    return static_cast<std::uint32_t>(::adler32_z(start, as_uchar(bytes), bytes.size()));
}

/// Whether the four bytes behind `count` others are their checksum.
bool is_checked(ByteView bytes, std::size_t count)
{
    return bytes.size() >= count + 4 && load_le<std::uint32_t>(bytes.subspan(count)) == adler(bytes.first(count));
}

template <std::size_t N>
std::array<std::byte, N> array_of(ByteView bytes)
{
    std::array<std::byte, N> out{};
    std::ranges::copy(bytes.first(N), out.begin());
    return out;
}

struct Section {
    std::string type;
    ByteRange body;
};

class SegmentReader {
public:
    SegmentReader(const ByteSource& segment, std::size_t index, E01Contents& contents)
        : segment_{&segment}, index_{index}, contents_{&contents}
    {
    }

    Result<E01End> run()
    {
        SALVAGE_TRY(check_header());
        for (ByteOffset at{segment_header_bytes};;) {
            const auto bytes = SALVAGE_TRY(read_up_to(*segment_, at, ByteCount{descriptor_bytes}));
            if (bytes.size() < descriptor_bytes) {
                return broken(at, "the file ends where a section was to begin");
            }
            if (!is_checked(bytes, descriptor_bytes - 4)) {
                return broken(at, "the checksum of a section's descriptor is wrong");
            }
            auto reader = ByteReader{bytes};
            const auto type = SALVAGE_TRY(reader.fixed_text(16));
            const ByteOffset next{SALVAGE_TRY(reader.le<std::uint64_t>())};
            if (type == "done" || type == "next") {
                return type == "done" ? E01End::done : E01End::next;
            }
            if (next <= at + ByteCount{descriptor_bytes - 1} || next.value > segment_->size().value) {
                return broken(at,
                              fmt::format("its section '{}' is said to end at {}, the file ends at {}", printable(type),
                                          format_offset(next), format_offset(ByteOffset{segment_->size().value})));
            }
            SALVAGE_TRY(take({.type = type, .body = ByteRange::between(at + ByteCount{descriptor_bytes}, next)}));
            at = next;
        }
    }

private:
    Result<> check_header()
    {
        const auto bytes = SALVAGE_TRY(read_up_to(*segment_, ByteOffset{0}, ByteCount{segment_header_bytes}));
        if (bytes.size() < segment_header_bytes || !is_e01(bytes)) {
            return lifted(malformed(ByteOffset{0}, "this is no segment of an E01 image",
                                    "it does not begin with 45 56 46 09 0D 0A FF 00"),
                          *segment_);
        }
        const auto number = load_le<std::uint16_t>(ByteView{bytes}.subspan(9));
        if (number != index_ + 1) {
            return lifted(
                malformed(ByteOffset{9}, fmt::format("this is segment {} of an E01 image", number),
                          fmt::format("segment {} was expected", index_ + 1))
                    .with_hint(index_ == 0 ? "name the first segment: .E01" : "put the right file in its place"),
                *segment_);
        }
        return {};
    }

    void note(ByteOffset at, std::string_view what)
    {
        auto& damage = contents_->info.damage;
        if (damage.size() < max_sentences) {
            damage.push_back(fmt::format("{}: {}", to_string(segment_->locate(at)), what));
        }
    }

    E01End broken(ByteOffset at, std::string_view why)
    {
        note(at, why);
        return E01End::broken;
    }

    Result<Bytes> head_of(const Section& section, std::size_t bytes) const
    {
        return read_bytes(*segment_, section.body.start(),
                          ByteCount{std::min<std::uint64_t>(bytes, section.body.size().value)});
    }

    Result<> take(const Section& section)
    {
        const auto& type = section.type;
        if (type == "volume" || type == "disk") {
            return take_volume(section);
        }
        if (type == "header" || type == "header2" || type == "xheader") {
            return take_case_data(section);
        }
        if (type == "sectors") {
            sectors_ = section.body;
            is_group_open_ = false;
            return {};
        }
        if (type == "table" || type == "table2") {
            return take_table(section, type == "table2");
        }
        if (type == "hash" || type == "digest") {
            return take_hashes(section);
        }
        return type == "error2" ? take_errors(section) : Result<>{}; // "data" repeats the volume; others are unknown
    }

    Result<> take_volume(const Section& section)
    {
        if (contents_->volume) {
            return {};
        }
        const auto bytes = SALVAGE_TRY(head_of(section, volume_bytes));
        const bool is_smart = bytes.size() < volume_bytes;
        const auto checked = (is_smart ? smart_volume_bytes : volume_bytes) - 4;
        if (!is_checked(bytes, checked)) {
            return lifted(malformed(ByteOffset{0}, "the geometry of the E01 image is damaged",
                                    "the checksum of its volume section is wrong")
                              .with_hint("without it the chunks cannot be placed"),
                          *segment_, section.body.start());
        }
        const auto field = [&](std::size_t at) -> std::uint64_t {
            return load_le<std::uint32_t>(ByteView{bytes}.subspan(at));
        };
        const auto sectors = is_smart ? field(16) : load_le<std::uint64_t>(ByteView{bytes}.subspan(16));
        const auto chunk_bytes = field(8) * field(12);
        const auto size = checked_multiply(sectors, field(12));
        if (field(12) == 0 || chunk_bytes < 512 || chunk_bytes > max_chunk_bytes || !size || *size > max_size ||
            (*size + chunk_bytes - 1) / chunk_bytes > field(4)) {
            return lifted(malformed(ByteOffset{4}, "the geometry of the E01 image cannot be",
                                    fmt::format("{} chunks of {} sectors of {} bytes, {} sectors in all", field(4),
                                                field(8), field(12), sectors)),
                          *segment_, section.body.start());
        }
        contents_->volume = E01Volume{.chunks = static_cast<std::uint32_t>(field(4)),
                                      .chunk_bytes = static_cast<std::uint32_t>(chunk_bytes),
                                      .size = ByteCount{*size}};
        sector_bytes_ = field(12);
        return {};
    }

    Result<> take_case_data(const Section& section)
    {
        // "header2" is the same in Unicode and comes first where there is one.
        if (contents_->info.case_data != E01CaseData{} || section.type == "xheader") {
            return {};
        }
        const auto count = std::min(section.body.size(), ByteCount{max_header_packed});
        const auto packed = SALVAGE_TRY(read_bytes(*segment_, section.body.start(), count));
        Bytes text(max_header_text);
        const auto unpacked = inflate_zlib(packed, text);
        if (!unpacked) {
            note(section.body.start(), "the text of the case cannot be unpacked");
            return {};
        }
        const auto view = ByteView{text}.first(*unpacked);
        contents_->info.case_data =
            parse_e01_case_data(section.type == "header2" ? utf8_from_utf16(view) : std::string{as_text(view)});
        return {};
    }

    /// "table" and "table2" of one group say the same; the second counts where the first is damaged.
    Result<> take_table(const Section& section, bool is_mirror)
    {
        if (is_mirror && is_group_open_) {
            is_group_open_ = false;
            auto& first = contents_->tables.back();
            if (!first.is_lost) {
                return {};
            }
            auto mirror = SALVAGE_TRY(parse_table(section));
            if (mirror.is_lost) {
                note(section.body.start(), "the mirror of that table is damaged too: its chunks are lost");
                return {};
            }
            note(section.body.start(), "the mirror of that table is whole and is used");
            mirror.first_chunk = first.first_chunk;
            contents_->covered = contents_->covered - first.count + mirror.count;
            first = mirror;
            return {};
        }
        auto table = SALVAGE_TRY(parse_table(section));
        if (table.is_lost) {
            note(section.body.start(), "a table of chunks is damaged");
        }
        table.first_chunk = contents_->covered;
        contents_->covered += table.count;
        contents_->tables.push_back(table);
        is_group_open_ = true;
        return {};
    }

    Result<E01Table> parse_table(const Section& section) const
    {
        // EnCase 1 and SMART keep the chunks behind the entries, and no checksum between them.
        const bool has_sectors = !sectors_.is_empty();
        const auto body = section.body;
        const std::uint64_t around = table_header_bytes + (has_sectors ? 4 : 0);
        const auto room = body.size().value < around ? 0 : (body.size().value - around) / 4;
        E01Table out{.segment = index_,
                     .entries = body.start() + ByteCount{table_header_bytes},
                     .count = static_cast<std::uint32_t>(std::min<std::uint64_t>(room, ~0U)),
                     .data_end = has_sectors ? sectors_.end() : body.end(),
                     .is_lost = true};
        const auto header = SALVAGE_TRY(head_of(section, table_header_bytes));
        if (!is_checked(header, table_header_bytes - 4)) {
            return has_sectors ? out : without_chunks(out);
        }
        const auto count = load_le<std::uint32_t>(header);
        if (count > room) {
            return has_sectors ? out : without_chunks(out);
        }
        out.count = count;
        out.base = load_le<std::uint64_t>(ByteView{header}.subspan(8));
        const auto sum = SALVAGE_TRY(look_over(out));
        if (has_sectors) {
            const auto stored = SALVAGE_TRY(read_bytes(*segment_, out.entries + ByteCount{4ULL * count}, ByteCount{4}));
            out.is_lost = load_le<std::uint32_t>(stored) != sum;
        } else {
            out.is_lost = false;
        }
        return out;
    }

    /// How many chunks a damaged table of that kind had is not known.
    static E01Table without_chunks(E01Table table)
    {
        table.count = 0;
        return table;
    }

    /// The checksum of the entries; finds where 31-bit offsets run over.
    Result<std::uint32_t> look_over(E01Table& table) const
    {
        constexpr std::uint32_t at_once = 16384;
        std::uint32_t sum = 1;
        std::uint32_t before = 0;
        for (std::uint32_t done = 0; done < table.count;) {
            const auto count = std::min(at_once, table.count - done);
            const auto bytes =
                SALVAGE_TRY(read_bytes(*segment_, table.entries + ByteCount{4ULL * done}, ByteCount{4ULL * count}));
            sum = adler(bytes, sum);
            for (std::uint32_t i = 0; i < count && table.wide_from == ~0U; ++i) {
                const auto raw = load_le<std::uint32_t>(ByteView{bytes}.subspan(4ULL * i));
                // EnCase 6.7 lets the offset grow into the flag: it seems to fall and, read as a whole, goes on.
                if ((raw & offset_bits) < before && raw > before) {
                    table.wide_from = done + i;
                }
                before = raw & offset_bits;
            }
            done += count;
        }
        return sum;
    }

    Result<> take_hashes(const Section& section)
    {
        const bool is_digest = section.type == "digest";
        const std::size_t checked = is_digest ? 76 : 32;
        const auto bytes = SALVAGE_TRY(head_of(section, checked + 4));
        if (!is_checked(bytes, checked)) {
            note(section.body.start(), "the stored hashes are damaged");
            return {};
        }
        const auto view = ByteView{bytes};
        if (!is_all_zero(view.first(16))) {
            contents_->info.md5 = array_of<16>(view);
        }
        if (is_digest && !is_all_zero(view.subspan(16, 20))) {
            contents_->info.sha1 = array_of<20>(view.subspan(16));
        }
        return {};
    }

    Result<> take_errors(const Section& section)
    {
        const auto header = SALVAGE_TRY(head_of(section, error_header_bytes));
        if (!contents_->volume || !is_checked(header, error_header_bytes - 4)) {
            note(section.body.start(), "the list of areas that could not be read is damaged");
            return {};
        }
        const auto count = load_le<std::uint32_t>(header);
        if (count > max_acquisition_errors || error_header_bytes + (8ULL * count) + 4 > section.body.size().value) {
            note(section.body.start(), "the list of areas that could not be read is longer than its section");
            return {};
        }
        const auto bytes = SALVAGE_TRY(
            read_bytes(*segment_, section.body.start() + ByteCount{error_header_bytes}, ByteCount{(8ULL * count) + 4}));
        if (!is_checked(bytes, 8ULL * count)) {
            note(section.body.start(), "the list of areas that could not be read is damaged");
            return {};
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto entry = ByteView{bytes}.subspan(8ULL * i);
            const ByteOffset start{load_le<std::uint32_t>(entry) * sector_bytes_};
            const ByteCount size{load_le<std::uint32_t>(entry.subspan(4)) * sector_bytes_};
            if (size.value > 0) {
                contents_->info.acquisition_errors.push_back(ByteRange::between(start, start + size));
            }
        }
        return {};
    }

    const ByteSource* segment_;
    std::size_t index_;
    E01Contents* contents_;
    ByteRange sectors_;         ///< body of the last "sectors" section
    bool is_group_open_{false}; ///< a "table2" that comes now mirrors the last table
    std::uint64_t sector_bytes_{512};
};

} // namespace

Result<E01End> read_e01_segment(const ByteSource& segment, std::size_t index, E01Contents& contents)
{
    return SegmentReader{segment, index, contents}.run();
}

} // namespace salvage::io

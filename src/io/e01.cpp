// An E01 image as the bytes it holds.
#include "salvage/io/e01.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "io/e01_sections.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

constexpr std::array<unsigned char, 8> signature{'E', 'V', 'F', 0x09, 0x0D, 0x0A, 0xFF, 0x00};
constexpr std::array<unsigned char, 8> logical_signature{'L', 'V', 'F', 0x09, 0x0D, 0x0A, 0xFF, 0x00};
constexpr std::array<unsigned char, 8> second_signature{'E', 'V', 'F', '2', 0x0D, 0x0A, 0x81, 0x00};
constexpr std::array<unsigned char, 8> second_logical_signature{'L', 'E', 'F', '2', 0x0D, 0x0A, 0x81, 0x00};
constexpr std::uint32_t compressed_flag = 0x8000'0000;
constexpr std::uint64_t cache_bytes = 4ULL << 20U;
// What deflate may add to what it cannot compress, with room for the slack some tools leave behind a chunk.
constexpr std::uint64_t max_overhead = 4096;
// Readers come back to the sectors of a bad chunk one by one; more bad chunks than this are unpacked anew each time.
constexpr std::size_t max_remembered = 65536;

bool starts_with(ByteView bytes, const std::array<unsigned char, 8>& magic) noexcept
{
    return bytes.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](unsigned char want, std::byte have) { return static_cast<std::byte>(want) == have; });
}

/// Where a chunk is stored.
struct StoredChunk {
    const ByteSource* segment{};
    ByteRange place;
    bool is_compressed{};
};

class E01Source final : public ByteSource {
public:
    E01Source(std::vector<SourcePtr> segments, std::vector<E01Table> tables, E01Volume volume, std::uint64_t covered)
        : segments_{std::move(segments)}, tables_{std::move(tables)}, volume_{volume}, covered_{covered}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return volume_.size; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        Bytes chunk;
        while (!into.empty()) {
            const auto index = at.value / volume_.chunk_bytes;
            const auto within = static_cast<std::size_t>(at.value % volume_.chunk_bytes);
            const auto count = std::min(into.size(), length_of(index) - within);
            if (count == length_of(index)) {
                SALVAGE_TRY(unpack(index, at, into.first(count)));
            } else {
                chunk.resize(length_of(index));
                SALVAGE_TRY(unpack(index, at, chunk));
                std::ranges::copy(ByteView{chunk}.subspan(within, count), into.begin());
            }
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        std::vector<Extent> out;
        for (auto at = range.start(); at < range.end();) {
            const auto* const table = table_of(at.value / volume_.chunk_bytes);
            const auto end_chunk = table == nullptr ? ~0ULL / max_bytes_a_chunk : table->first_chunk + table->count;
            const auto end = std::min(range.end(), ByteOffset{end_chunk * volume_.chunk_bytes});
            const bool is_lost = table == nullptr || table->is_lost;
            out.push_back(
                {.range = ByteRange::between(at, end), .kind = is_lost ? ExtentKind::unreadable : ExtentKind::data});
            at = end;
        }
        return merged(std::move(out));
    }

    /// Down to the byte of a segment at which the chunk is stored.
    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        Location out;
        if (const auto stored = find(std::min(at.value, last_byte()) / volume_.chunk_bytes); stored.has_value()) {
            out = stored->segment->locate(stored->place.start());
        } else {
            out = segments_.front()->locate(ByteOffset{0});
        }
        out.chain.push_back({.source = "E01 content", .at = at});
        return out;
    }

private:
    static constexpr std::uint64_t max_bytes_a_chunk = 16ULL << 20U;

    [[nodiscard]] std::uint64_t last_byte() const noexcept
    {
        return std::max<std::uint64_t>(volume_.size.value, 1) - 1;
    }
    [[nodiscard]] std::size_t length_of(std::uint64_t index) const noexcept
    {
        const auto rest = volume_.size.value - (index * volume_.chunk_bytes);
        return static_cast<std::size_t>(std::min<std::uint64_t>(rest, volume_.chunk_bytes));
    }

    /// The table that names chunk `index`; null behind the last.
    [[nodiscard]] const E01Table* table_of(std::uint64_t index) const
    {
        if (index >= covered_) {
            return nullptr;
        }
        const auto next = std::ranges::upper_bound(tables_, index, {}, &E01Table::first_chunk);
        return &*std::prev(next);
    }

    [[nodiscard]] Result<StoredChunk> find(std::uint64_t index) const
    {
        const auto* const table = table_of(index);
        if (table == nullptr || table->is_lost) {
            return not_found("no sound table names this chunk");
        }
        const auto number = static_cast<std::uint32_t>(index - table->first_chunk);
        const auto is_last = number + 1 == table->count;
        const auto& segment = *segments_[table->segment];
        const auto bytes =
            SALVAGE_TRY(read_bytes(segment, table->entries + ByteCount{4ULL * number}, ByteCount{is_last ? 4U : 8U}));
        const auto raw = load_le<std::uint32_t>(bytes);
        const auto start = offset_of(*table, number, raw);
        const auto end = is_last ? table->data_end.value
                                 : offset_of(*table, number + 1, load_le<std::uint32_t>(ByteView{bytes}.subspan(4)));
        if (start >= end || end > segment.size().value || end - start > (2ULL * volume_.chunk_bytes) + max_overhead) {
            return malformed(table->entries + ByteCount{4ULL * number}, "a chunk has no place",
                             fmt::format("it is said to lie at {} up to {}", start, end));
        }
        return StoredChunk{.segment = &segment,
                           .place = ByteRange::between(ByteOffset{start}, ByteOffset{end}),
                           .is_compressed = number < table->wide_from && (raw & compressed_flag) != 0};
    }

    static std::uint64_t offset_of(const E01Table& table, std::uint32_t number, std::uint32_t raw) noexcept
    {
        // A hostile base wraps around, and is then refused like any place that cannot be.
        return table.base + (number < table.wide_from ? raw & ~compressed_flag : raw);
    }

    /// All of chunk `index`; `at` is the byte that was asked for.  Requires: into.size() == length_of(index).
    Result<> unpack(std::uint64_t index, ByteOffset at, std::span<std::byte> into) const
    {
        if (is_known_bad(index)) {
            return bad_chunk(index, at, "its checksum or its deflate stream is wrong");
        }
        const auto stored = find(index);
        if (!stored.has_value()) {
            return stored.error().code == ErrorCode::io ? Error{stored.error()}
                                                        : bad_chunk(index, at, stored.error().what);
        }
        const auto bytes = read_bytes(*stored->segment, stored->place.start(), stored->place.size());
        if (!bytes.has_value()) {
            return bytes.error().code == ErrorCode::io ? Error{bytes.error()}
                                                       : bad_chunk(index, at, bytes.error().what);
        }
        if (!(stored->is_compressed ? inflate(*bytes, into) : copy(*bytes, into))) {
            remember_bad(index);
            return bad_chunk(index, at, "its checksum or its deflate stream is wrong");
        }
        return {};
    }

    [[nodiscard]] bool inflate(ByteView packed, std::span<std::byte> into) const
    {
        auto unpacked = inflate_zlib(packed, into);
        if (!unpacked && into.size() < volume_.chunk_bytes) {
            // Some tools fill up the last chunk.
            Bytes filled(volume_.chunk_bytes);
            unpacked = inflate_zlib(packed, filled);
            std::ranges::copy(ByteView{filled}.first(into.size()), into.begin());
        }
        return unpacked && *unpacked >= into.size();
    }

    [[nodiscard]] bool copy(ByteView stored, std::span<std::byte> into) const
    {
        // The checksum is behind the data; in the last chunk of a table there may be slack behind it.
        return copy_if_checked(stored, into.size(), into) || copy_if_checked(stored, volume_.chunk_bytes, into);
    }

    /// Whether the checksum behind `length` bytes is theirs; then they are copied, as far as `into` takes them.
    static bool copy_if_checked(ByteView stored, std::size_t length, std::span<std::byte> into)
    {
        if (length < into.size() || stored.size() < length + 4) {
            return false;
        }
        const auto sum = static_cast<std::uint32_t>(::adler32_z(1, as_uchar(stored), length));
        if (load_le<std::uint32_t>(stored.subspan(length)) != sum) {
            return false;
        }
        std::ranges::copy(stored.first(into.size()), into.begin());
        return true;
    }

    [[nodiscard]] Error bad_chunk(std::uint64_t index, ByteOffset at, std::string_view why) const
    {
        auto error = unreadable_at(*this, at);
        error.what = fmt::format("chunk {} of the E01 image is damaged", index);
        error.why = why;
        return error;
    }

    [[nodiscard]] bool is_known_bad(std::uint64_t index) const
    {
        const std::scoped_lock lock{mutex_};
        return bad_.contains(index);
    }
    void remember_bad(std::uint64_t index) const
    {
        const std::scoped_lock lock{mutex_};
        if (bad_.size() < max_remembered) {
            bad_.insert(index);
        }
    }

    std::vector<SourcePtr> segments_;
    std::vector<E01Table> tables_;
    E01Volume volume_;
    std::uint64_t covered_;
    mutable std::mutex mutex_;
    mutable std::set<std::uint64_t> bad_; ///< chunks that were unpacked in vain
};

Error segment_missing(const SourcePtr& last, std::size_t count)
{
    auto error =
        truncated(ByteOffset{last->size().value}, fmt::format("segment {} of the E01 image is missing", count + 1),
                  fmt::format("segment {} says that another one follows", count));
    error.hint = "put all segments (.E01, .E02 …) into one folder, with the names they had";
    return lifted(std::move(error), *last);
}

} // namespace

bool is_e01(ByteView first_bytes) noexcept
{
    return starts_with(first_bytes, signature);
}

bool is_unread_ewf(ByteView first_bytes) noexcept
{
    return starts_with(first_bytes, logical_signature) || starts_with(first_bytes, second_signature) ||
           starts_with(first_bytes, second_logical_signature);
}

Result<E01Image> make_e01(const std::vector<SourcePtr>& segments)
{
    if (segments.empty()) {
        return invalid_argument("an E01 image has one segment at least", "none was given");
    }
    E01Contents contents;
    auto end = E01End::next;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        end = SALVAGE_TRY(read_e01_segment(*segments[i], i, contents).in(fmt::format("reading segment {}", i + 1)));
        if (end == E01End::done) {
            break; // files behind it have like names and belong to something else
        }
        if (end == E01End::broken && i + 1 < segments.size()) {
            return lifted(malformed(ByteOffset{0}, fmt::format("segment {} of the E01 image is damaged", i + 1),
                                    contents.info.damage.back())
                              .with_hint("how many chunks it had is not known, so those behind it cannot be placed; "
                                         "look for another copy of it"),
                          *segments[i]);
        }
    }
    if (end == E01End::next) {
        return segment_missing(segments.back(), segments.size());
    }
    if (!contents.volume) {
        return lifted(
            malformed(ByteOffset{0}, "the E01 image has no geometry", "no section 'volume' or 'disk' was found"),
            *segments.front());
    }
    const auto& volume = *contents.volume;
    auto& info = contents.info;
    const auto needed = (volume.size.value + volume.chunk_bytes - 1) / volume.chunk_bytes;
    if (contents.covered < needed) {
        info.damage.push_back(fmt::format("the tables name {} chunks of {}: the content is unreadable from {} on",
                                          contents.covered, needed,
                                          format_offset(ByteOffset{contents.covered * volume.chunk_bytes})));
    }
    info.size = volume.size;
    info.chunk = ByteCount{volume.chunk_bytes};
    info.segments = segments.size();
    std::erase_if(contents.tables, [](const E01Table& table) { return table.count == 0; });
    auto source = std::make_shared<E01Source>(segments, std::move(contents.tables), volume, contents.covered);
    const auto cached = std::max<std::uint64_t>(cache_bytes / volume.chunk_bytes, 2);
    E01Image out;
    out.stored = make_cached(std::move(source), info.chunk, static_cast<std::size_t>(cached));
    out.content =
        info.acquisition_errors.empty() ? out.stored : make_with_bad_areas(out.stored, info.acquisition_errors);
    out.info = std::move(info);
    return out;
}

Result<E01Image> open_e01(const std::filesystem::path& first)
{
    std::vector<SourcePtr> segments;
    for (const auto& path : SALVAGE_TRY(find_e01_segments(first))) {
        auto segment = SALVAGE_TRY(open_file(path).in("opening a segment of the E01 image"));
        const auto head = SALVAGE_TRY(read_up_to(*segment, ByteOffset{0}, ByteCount{signature.size()}));
        if (!segments.empty() && !is_e01(head)) {
            break;
        }
        segments.push_back(std::move(segment));
    }
    return make_e01(segments);
}

} // namespace salvage::io

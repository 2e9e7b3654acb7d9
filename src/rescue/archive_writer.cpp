// libarchive's writers.  A name that is no UTF-8 is written as its bytes, and pax says so by hdrcharset=BINARY.
#include "rescue/archive_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <optional>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"
#include "salvage/core/utf8.hpp"

namespace salvage::rescue {
namespace {

using filesystem::EntryType;

constexpr int block_bytes = 64 << 10;
constexpr std::size_t zeros_at_once = std::size_t{64} << 10U;
// A pax header with more of them is larger than what it saves.
constexpr std::size_t most_data_ranges = 16384;

/// While this lives, names are UTF-8 to libarchive, or bytes of no known kind: it goes by the thread's locale.
class NamesAre {
public:
    enum class Kind : bool { bytes, utf8 };
    explicit NamesAre(Kind kind)
    {
        // Made once: each entry of every archive needs one.
        static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
        static const locale_t bytes = newlocale(LC_CTYPE_MASK, "C", locale_t{});
        locale_ = kind == Kind::utf8 ? utf8 : bytes;
        if (locale_ != locale_t{}) {
            before_ = uselocale(locale_);
        }
    }
    NamesAre(const NamesAre&) = delete;
    NamesAre& operator=(const NamesAre&) = delete;
    ~NamesAre()
    {
        if (locale_ != locale_t{}) {
            uselocale(before_);
        }
    }

private:
    locale_t locale_{};
    locale_t before_{};
};

unsigned file_type_of(EntryType type) noexcept
{
    switch (type) {
    case EntryType::directory: return AE_IFDIR;
    case EntryType::symlink: return AE_IFLNK;
    case EntryType::fifo: return AE_IFIFO;
    case EntryType::character_device: return AE_IFCHR;
    case EntryType::block_device: return AE_IFBLK;
    case EntryType::socket: return AE_IFSOCK;
    case EntryType::file:
    case EntryType::unknown: break;
    }
    return AE_IFREG;
}

void set_times(archive_entry& into, const filesystem::Entry& entry)
{
    archive_entry_set_mtime(&into, entry.modified.seconds, static_cast<long>(entry.modified.nanoseconds));
    archive_entry_set_atime(&into, entry.accessed.seconds, static_cast<long>(entry.accessed.nanoseconds));
    archive_entry_set_ctime(&into, entry.changed.seconds, static_cast<long>(entry.changed.nanoseconds));
    if (entry.created) {
        archive_entry_set_birthtime(&into, entry.created->seconds, static_cast<long>(entry.created->nanoseconds));
    }
}

struct FreeEntry {
    void operator()(archive_entry* entry) const noexcept { archive_entry_free(entry); }
};
using EntryPtr = std::unique_ptr<archive_entry, FreeEntry>;

EntryPtr make_entry(const ArchiveHeader& header, ArchiveFormat format)
{
    EntryPtr out{archive_entry_new()};
    if (!out) {
        return out;
    }
    auto& entry = *out;
    archive_entry_copy_pathname(&entry, header.path.c_str());
    archive_entry_set_mode(&entry, file_type_of(header.entry.type) | (header.entry.mode & 07777U));
    archive_entry_set_uid(&entry, header.entry.uid);
    archive_entry_set_gid(&entry, header.entry.gid);
    set_times(entry, header.entry);
    if (header.entry.type == EntryType::symlink) {
        archive_entry_copy_symlink(&entry, header.target.c_str());
    }
    if (!header.link_of.empty()) {
        archive_entry_copy_hardlink(&entry, header.link_of.c_str());
    } else if (header.entry.type == EntryType::file) {
        archive_entry_set_size(&entry, static_cast<la_int64_t>(header.size.value));
    }
    archive_entry_set_rdev(&entry, makedev(static_cast<unsigned>(header.entry.device >> 32U),
                                           static_cast<unsigned>(header.entry.device & 0xFFFF'FFFFU)));
    if (format == ArchiveFormat::pax) {
        for (const auto& [name, value] : header.attributes) {
            archive_entry_xattr_add_entry(&entry, name.c_str(), value.data(), value.size());
        }
        for (const auto& range : header.data.size() <= most_data_ranges ? header.data : std::vector<ByteRange>{}) {
            archive_entry_sparse_add_entry(&entry, static_cast<la_int64_t>(range.start().value),
                                           static_cast<la_int64_t>(range.size().value));
        }
    }
    return out;
}

} // namespace

bool takes(ArchiveFormat format, EntryType type) noexcept
{
    switch (type) {
    case EntryType::file:
    case EntryType::directory:
    case EntryType::symlink: return true;
    case EntryType::fifo:
    case EntryType::character_device:
    case EntryType::block_device: return format == ArchiveFormat::pax;
    case EntryType::socket:
    case EntryType::unknown: break;
    }
    return false;
}

struct ArchiveWriter::State {
    archive* writer{nullptr};
    ArchiveFormat format{ArchiveFormat::pax};
    const ByteSink* sink{nullptr};
    std::optional<Error> trouble; ///< of the sink
    bool is_closed{false};
    bool is_dropping{false}; ///< the sink gets nothing any more

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (writer == nullptr) {
            return;
        }
        if (!is_closed) {
            // Failed first, else closing would write the rest of the last file as zeros; closed then, for freeing a
            // failed one leaves its buffers behind (libarchive 3.6).  What closing writes is dropped.
            is_dropping = true;
            archive_write_fail(writer);
            archive_write_close(writer);
        }
        archive_write_free(writer);
    }

    static la_ssize_t take(archive* writer, void* context, const void* bytes, std::size_t count)
    {
        auto& state = *static_cast<State*>(context);
        if (state.is_dropping) {
            return static_cast<la_ssize_t>(count);
        }
        auto taken = (*state.sink)(ByteView{static_cast<const std::byte*>(bytes), count});
        if (taken.has_value()) {
            return static_cast<la_ssize_t>(count);
        }
        state.trouble = std::move(taken).error();
        archive_set_error(writer, EIO, "the target takes no more");
        return -1;
    }

    /// What went wrong: the sink's own words, or libarchive's.
    Error failure(ErrorCode code, std::string what)
    {
        if (trouble) {
            return *std::exchange(trouble, std::nullopt);
        }
        const char* const why = archive_error_string(writer);
        return Error{code, std::move(what), printable(why == nullptr ? "" : why), std::nullopt, {}, {}};
    }
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::open(ArchiveFormat format, const ByteSink& sink)
{
    auto state = std::make_unique<State>();
    state->writer = archive_write_new();
    state->format = format;
    state->sink = &sink;
    auto* const writer = state->writer;
    bool is_ready = writer != nullptr;
    if (is_ready && format == ArchiveFormat::pax) {
        is_ready = archive_write_set_format_pax(writer) == ARCHIVE_OK &&
                   archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") == ARCHIVE_OK; // GNU tar's
    } else if (is_ready) {
        is_ready = archive_write_set_format_zip(writer) == ARCHIVE_OK &&
                   archive_write_zip_set_compression_store(writer) == ARCHIVE_OK;
    }
    is_ready = is_ready && archive_write_set_bytes_per_block(writer, block_bytes) == ARCHIVE_OK &&
               archive_write_set_bytes_in_last_block(writer, 1) == ARCHIVE_OK &&
               archive_write_open2(writer, state.get(), nullptr, State::take, nullptr, nullptr) == ARCHIVE_OK;
    if (!is_ready) {
        return state->writer == nullptr ? Error{ErrorCode::internal, "no archive can be begun", {}, {}, {}, {}}
                                        : state->failure(ErrorCode::internal, "no archive can be begun");
    }
    return ArchiveWriter{std::move(state)};
}

Result<> ArchiveWriter::begin(const ArchiveHeader& header)
{
    // zip marks every name as UTF-8 in such a locale, whether it is or not, and then no reader opens the archive.
    const bool is_text = state_->format == ArchiveFormat::pax || is_utf8(header.path);
    const NamesAre names{is_text ? NamesAre::Kind::utf8 : NamesAre::Kind::bytes};
    const auto entry = make_entry(header, state_->format);
    if (!entry) {
        return Error{ErrorCode::internal, "an archive's entry cannot be made", {}, {}, {}, {}};
    }
    const int done = archive_write_header(state_->writer, entry.get());
    if (done == ARCHIVE_OK || done == ARCHIVE_WARN) {
        return {};
    }
    return state_->failure(done == ARCHIVE_FAILED ? ErrorCode::unsupported : ErrorCode::io,
                           fmt::format("the archive cannot hold {}", printable(header.path)));
}

Result<> ArchiveWriter::write(ByteView bytes)
{
    while (!bytes.empty()) {
        const auto written = archive_write_data(state_->writer, bytes.data(), bytes.size());
        if (written <= 0) {
            return state_->failure(ErrorCode::io, "the archive cannot be written");
        }
        bytes = bytes.subspan(std::min(bytes.size(), static_cast<std::size_t>(written)));
    }
    return {};
}

Result<> ArchiveWriter::write_zeros(ByteCount count)
{
    static constexpr std::array<std::byte, zeros_at_once> zeros{};
    while (count.value > 0) {
        const auto part = std::min<std::uint64_t>(count.value, zeros.size());
        SALVAGE_TRY(write(ByteView{zeros}.first(static_cast<std::size_t>(part))));
        count.value -= part;
    }
    return {};
}

Result<> ArchiveWriter::close()
{
    const int done = archive_write_close(state_->writer);
    state_->is_closed = done == ARCHIVE_OK;
    if (done != ARCHIVE_OK) {
        return state_->failure(ErrorCode::io, "the archive's end cannot be written");
    }
    return {};
}

} // namespace salvage::rescue

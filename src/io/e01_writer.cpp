// E01 images written by libewf, whose segments become visible when all of them are whole.
#include "salvage/io/e01_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <libewf.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

namespace fs = std::filesystem;

constexpr ByteCount min_segment{1ULL << 20U};
constexpr ByteCount max_segment{1ULL << 62U};
constexpr std::uint64_t max_segments = 14971;
// libewf holds its table of chunks in one allocation of 128 MiB at most, 8 bytes a chunk.
constexpr std::uint64_t max_chunks = (128ULL << 20U) / 8;

class LibraryError {
public:
    LibraryError() = default;
    LibraryError(const LibraryError&) = delete;
    LibraryError& operator=(const LibraryError&) = delete;
    ~LibraryError() { ::libewf_error_free(&error_); }

    libewf_error_t** address() noexcept { return &error_; }

    [[nodiscard]] Error as_error(std::string_view what, const fs::path& path) const
    {
        std::string text(2048, '\0');
        const auto length = error_ == nullptr ? 0 : ::libewf_error_backtrace_sprint(error_, text.data(), text.size());
        text.resize(static_cast<std::size_t>(std::max(length, 0)));
        std::ranges::replace(text, '\n', ' ');
        // The operating system's own words are in the text, its number is not.
        const bool is_full = text.find("No space left") != std::string::npos || text.find("quota") != std::string::npos;
        return Error{is_full ? ErrorCode::no_space : ErrorCode::io,
                     fmt::format("{}: {}", printable(path.string()), what),
                     fmt::format("libewf says: {}", text.empty() ? "nothing" : printable(trimmed(text))),
                     std::nullopt,
                     {},
                     {}};
    }

private:
    libewf_error_t* error_{nullptr};
};

struct FreeHandle {
    void operator()(libewf_handle_t* handle) const noexcept
    {
        LibraryError ignored;
        ::libewf_handle_close(handle, ignored.address());
        LibraryError also_ignored;
        ::libewf_handle_free(&handle, also_ignored.address());
    }
};
using Handle = std::unique_ptr<libewf_handle_t, FreeHandle>;

fs::path parent_of(const fs::path& path)
{
    return path.has_parent_path() ? path.parent_path() : fs::path{"."};
}

Error exists_already(const fs::path& path)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("{} exists", printable(path.string())),
                 "nothing is ever overwritten",
                 std::nullopt,
                 "name another file with -o, or move it away",
                 {}};
}

bool is_there(const fs::path& path)
{
    std::error_code problem;
    return fs::exists(fs::symlink_status(path, problem));
}

} // namespace

struct E01Writer::State {
    fs::path first;
    fs::path folder;
    OwnedDescriptor lock; ///< of the folder
    Handle handle;
    ByteCount size;
    ByteCount written;
    std::uint64_t sector{512};
    Bytes checksum;

    /// "image.E01" without ".E01", in the folder.
    [[nodiscard]] fs::path base() const { return folder / first.stem(); }

    template <typename Call>
    Result<> call(std::string_view what, Call&& each)
    {
        LibraryError error;
        if (std::forward<Call>(each)(error.address()) < 0) {
            return error.as_error(what, first);
        }
        return {};
    }

    Result<> claim_folder();
    Result<> begin(const E01WriterOptions& options);
    Result<> put_case_data(const E01CaseData& data);
    Result<> put_value(std::string_view name, std::string_view value);
    Result<> store_hash(std::string_view name, ByteView digest);
    [[nodiscard]] Result<std::vector<fs::path>> move_out() const;
};

/// The folder is ours if it is new, or holds nothing but segments of an earlier run of this name.
Result<> E01Writer::State::claim_folder()
{
    if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
        return from_errno(errno, "the folder for the unfinished image cannot be made", folder.string());
    }
    lock = OwnedDescriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
    if (lock.get() < 0) {
        return from_errno(errno, "the folder of the unfinished image cannot be opened", folder.string());
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return Error{ErrorCode::already_exists, fmt::format("another run is writing {}", printable(first.string())),
                     "its folder is locked",    std::nullopt,
                     "wait for it to end",      {}};
    }
    std::vector<fs::path> leftovers;
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator{folder, problem}) {
        if (entry.path().stem() != first.stem() || !entry.is_regular_file(problem)) {
            return Error{ErrorCode::already_exists,
                         fmt::format("{} holds something else", printable(folder.string())),
                         printable(entry.path().filename().string()),
                         std::nullopt,
                         "move it away and run the same command again",
                         {}};
        }
        leftovers.push_back(entry.path());
    }
    for (const auto& path : leftovers) {
        fs::remove(path, problem);
    }
    return problem ? from_errno(problem.value(), "what an earlier run left cannot be removed", folder.string())
                   : Result<>{};
}

Result<> E01Writer::State::put_value(std::string_view name, std::string_view value)
{
    // Tabs and line ends separate fields in the file.
    std::string clean{value};
    std::ranges::replace_if(clean, [](char c) { return c == '\t' || c == '\n' || c == '\r' || c == '\0'; }, ' ');
    if (clean.empty()) {
        return {};
    }
    return call(fmt::format("the field {} cannot be set", name), [&](libewf_error_t** error) {
        return ::libewf_handle_set_utf8_header_value(handle.get(), as_uchar(as_bytes(name)), name.size(),
                                                     as_uchar(as_bytes(clean)), clean.size(), error);
    });
}

Result<> E01Writer::State::put_case_data(const E01CaseData& data)
{
    SALVAGE_TRY(put_value("case_number", data.case_number));
    SALVAGE_TRY(put_value("description", data.description));
    SALVAGE_TRY(put_value("examiner_name", data.examiner));
    SALVAGE_TRY(put_value("evidence_number", data.evidence_number));
    SALVAGE_TRY(put_value("notes", data.notes));
    SALVAGE_TRY(put_value("acquiry_operating_system", "Linux"));
    return put_value("acquiry_software_version", data.software.empty() ? "salvage" : data.software);
}

Result<> E01Writer::State::begin(const E01WriterOptions& options)
{
    {
        LibraryError error;
        libewf_handle_t* made = nullptr;
        if (::libewf_handle_initialize(&made, error.address()) != 1) {
            return error.as_error("libewf cannot be started", first);
        }
        handle.reset(made);
    }
    auto* const ewf = handle.get();
    auto name = base().string();
    SALVAGE_TRY(call("the image cannot be begun", [&](libewf_error_t** error) {
        std::array<char*, 1> names{name.data()};
        return ::libewf_handle_open(ewf, names.data(), 1, ::libewf_get_access_flags_write(), error);
    }));
    const auto level = options.compression == E01Compression::none   ? LIBEWF_COMPRESSION_NONE
                       : options.compression == E01Compression::fast ? LIBEWF_COMPRESSION_FAST
                                                                     : LIBEWF_COMPRESSION_BEST;
    SALVAGE_TRY(call("the geometry cannot be set", [&](libewf_error_t** error) {
        const bool is_done =
            ::libewf_handle_set_format(ewf, LIBEWF_FORMAT_ENCASE6, error) == 1 &&
            ::libewf_handle_set_maximum_segment_size(ewf, options.segment.value, error) == 1 &&
            ::libewf_handle_set_sectors_per_chunk(ewf, static_cast<std::uint32_t>(e01_chunk_bytes / sector), error) ==
                1 &&
            ::libewf_handle_set_bytes_per_sector(ewf, static_cast<std::uint32_t>(sector), error) == 1 &&
            ::libewf_handle_set_media_size(ewf, size.value, error) == 1 &&
            ::libewf_handle_set_media_type(ewf, LIBEWF_MEDIA_TYPE_FIXED, error) == 1 &&
            ::libewf_handle_set_media_flags(ewf, LIBEWF_MEDIA_FLAG_PHYSICAL, error) == 1 &&
            ::libewf_handle_set_error_granularity(ewf, 1, error) == 1 &&
            ::libewf_handle_set_compression_values(ewf, static_cast<std::int8_t>(level), 0, error) == 1;
        return is_done ? 0 : -1;
    }));
    return put_case_data(options.case_data);
}

Result<E01Writer> E01Writer::create(const fs::path& first, ByteCount size, const E01WriterOptions& options)
{
    if (first.extension() != ".E01") {
        return invalid_argument(fmt::format("'{}' is no name for an E01 image", printable(first.string())),
                                "a name that ends in .E01 was expected");
    }
    if (options.segment < min_segment || options.segment > max_segment) {
        return invalid_argument("a segment of that size cannot be",
                                fmt::format("{}; 1 MiB to 4 EiB were expected", format_size_exact(options.segment)));
    }
    if (size.value == 0 || options.sector.value == 0 || size.value % options.sector.value != 0) {
        return unsupported("this image cannot become an E01",
                           fmt::format("it has {}; an E01 counts sectors of {} bytes, and has one at least",
                                       format_size_exact(size), options.sector.value),
                           "write it as raw, split or zst");
    }
    if ((size.value + e01_chunk_bytes - 1) / e01_chunk_bytes > max_chunks) {
        return unsupported("this image is too large for libewf", fmt::format("it has {}", format_size_exact(size)),
                           "write it as split or zst");
    }
    if (size.value / options.segment.value > max_segments / 2) {
        return invalid_argument("that would be more segments than have names",
                                fmt::format("there are {} names", max_segments), "give a larger --segment-size");
    }
    for (std::uint32_t number = 1; number <= size.value / options.segment.value + 1; ++number) {
        if (const auto path = SALVAGE_TRY(e01_segment_path(first, number)); is_there(path)) {
            return exists_already(path);
        }
    }
    auto state = std::make_unique<State>();
    state->first = first;
    state->folder = first;
    state->folder += ".partial";
    state->size = size;
    state->sector = options.sector.value;
    state->checksum.resize(4);
    SALVAGE_TRY(state->claim_folder());
    SALVAGE_TRY(state->begin(options));
    return E01Writer{std::move(state)};
}

Result<> E01Writer::append(const PackedChunks& packed)
{
    std::size_t at = 0;
    for (const auto& chunk : packed.chunks) {
        const auto bytes = ByteView{packed.bytes}.subspan(at, chunk.stored);
        SALVAGE_TRY(state_->call("a chunk cannot be written", [&](libewf_error_t** error) -> ssize_t {
            const auto done = ::libewf_handle_write_chunk(state_->handle.get(), bytes.data(), bytes.size(), chunk.count,
                                                          chunk.is_compressed ? 1 : 0, state_->checksum.data(),
                                                          chunk.sum, chunk.is_compressed ? 0 : 1, error);
            return done > 0 ? done : -1;
        }));
        at += chunk.stored;
        state_->written = state_->written + ByteCount{chunk.count};
    }
    return {};
}

Result<> E01Writer::note_unread(ByteRange range)
{
    const auto sector = state_->sector;
    const auto start = range.start().value / sector;
    const auto end = (range.end().value + sector - 1) / sector;
    return state_->call("a bad area cannot be noted", [&](libewf_error_t** error) {
        return ::libewf_handle_append_acquiry_error(state_->handle.get(), start, end - start, error);
    });
}

Result<> E01Writer::State::store_hash(std::string_view name, ByteView digest)
{
    const auto hex = to_hex(digest);
    return call("a hash cannot be stored", [&](libewf_error_t** error) {
        return ::libewf_handle_set_utf8_hash_value(handle.get(), as_uchar(as_bytes(name)), name.size(),
                                                   as_uchar(as_bytes(hex)), hex.size(), error);
    });
}

Result<std::vector<fs::path>> E01Writer::commit(const Md5Digest& md5, const std::optional<Sha1DigestOfImage>& sha1)
{
    if (state_->written != state_->size) {
        return Error{ErrorCode::internal,
                     "an E01 image was to be closed before it was whole",
                     fmt::format("{} bytes of {}", state_->written.value, state_->size.value),
                     std::nullopt,
                     {},
                     {}};
    }
    SALVAGE_TRY(state_->store_hash("MD5", md5));
    if (sha1) {
        SALVAGE_TRY(state_->store_hash("SHA1", *sha1));
    }
    SALVAGE_TRY(state_->call("the image cannot be finished", [&](libewf_error_t** error) {
        return ::libewf_handle_write_finalize(state_->handle.get(), error);
    }));
    SALVAGE_TRY(state_->call("the image cannot be closed", [&](libewf_error_t** error) {
        return ::libewf_handle_close(state_->handle.get(), error);
    }));
    return state_->move_out();
}

/// The first segment last: nobody takes the image for whole before it is.
Result<std::vector<fs::path>> E01Writer::State::move_out() const
{
    std::vector<fs::path> inside;
    for (std::uint32_t number = 1;; ++number) {
        const auto path = SALVAGE_TRY(e01_segment_path(folder / first.filename(), number));
        if (!is_there(path)) {
            break;
        }
        const OwnedDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (file.get() < 0 || ::fsync(file.get()) != 0) {
            return from_errno(errno, "a segment cannot be brought onto the medium", path.string());
        }
        inside.push_back(path);
    }
    if (inside.empty()) {
        return Error{ErrorCode::internal, "libewf wrote no segment", printable(folder.string()), std::nullopt, {}, {}};
    }
    std::vector<fs::path> out(inside.size());
    for (auto i = inside.size(); i-- > 0;) {
        out[i] = parent_of(first) / inside[i].filename();
        if (::renameat2(AT_FDCWD, inside[i].c_str(), AT_FDCWD, out[i].c_str(), RENAME_NOREPLACE) != 0) {
            return errno == EEXIST
                       ? exists_already(out[i])
                       : from_errno(errno, "a segment cannot be moved out of its folder", inside[i].string());
        }
    }
    const OwnedDescriptor parent{::open(parent_of(first).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (parent.get() < 0 || ::fsync(parent.get()) != 0) {
        return from_errno(errno, "the folder of the image cannot be brought onto the medium", first.string());
    }
    std::error_code left;
    fs::remove(folder, left);
    return out;
}

E01Writer::E01Writer(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
E01Writer::E01Writer(E01Writer&&) noexcept = default;
E01Writer& E01Writer::operator=(E01Writer&&) noexcept = default;
E01Writer::~E01Writer() = default;

} // namespace salvage::io

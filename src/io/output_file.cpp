// Files being written: a ".partial" until they are whole.
#include "salvage/io/output_file.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::io {

struct OutputFile::State {
    std::filesystem::path path;
    std::filesystem::path partial;
    int descriptor{-1};

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
};

namespace {

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): POSIX open.
int open_retrying(const std::filesystem::path& path, int flags, unsigned mode)
{
    for (;;) {
        const auto descriptor = ::open(path.c_str(), flags, static_cast<mode_t>(mode));
        if (descriptor >= 0 || errno != EINTR) {
            return descriptor;
        }
    }
}
// NOLINTEND(cppcoreguidelines-pro-type-vararg)

Error refused(const std::filesystem::path& path)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("{} exists and is not overwritten", path.string()),
                 {},
                 std::nullopt,
                 "name another file, or move this one away",
                 {}};
}

Error write_failed(int number, const std::filesystem::path& path, ByteCount wanted)
{
    auto error = from_errno(number, "writing failed", path.string());
    if (error.code == ErrorCode::no_space) {
        error.what = wanted.value == 0
                         ? "the medium is full"
                         : fmt::format("the medium is full: {} more could not be written", format_size_exact(wanted));
        error.hint = "make room and run the same command again; what is finished is safe";
    }
    return error;
}

/// Syncs the folder, so that the new name survives a power cut.
Result<> flush_folder(const std::filesystem::path& path)
{
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    const auto descriptor = open_retrying(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (descriptor < 0) {
        return from_errno(errno, "the folder cannot be opened", folder.string());
    }
    const auto failed = ::fsync(descriptor) != 0 && errno != EINVAL;
    const auto number = errno;
    ::close(descriptor);
    return failed ? Result<>{from_errno(number, "the folder cannot be flushed", folder.string())} : Result<>{};
}

Result<> rename_without_replacing(const std::filesystem::path& from, const std::filesystem::path& to)
{
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return {};
    }
    if (errno == EEXIST) {
        return refused(to);
    }
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
        return from_errno(errno, "the finished file cannot be named", to.string());
    }
    // A filesystem without that call (FAT, some network ones): a hard link refuses an existing name too.
    if (::link(from.c_str(), to.c_str()) == 0) {
        ::unlink(from.c_str());
        return {};
    }
    if (errno == EEXIST) {
        return refused(to);
    }
    std::error_code problem;
    if (std::filesystem::exists(to)) {
        return refused(to);
    }
    std::filesystem::rename(from, to, problem);
    return problem ? Result<>{from_errno(problem.value(), "the finished file cannot be named", to.string())}
                   : Result<>{};
}

Error busy(const std::filesystem::path& partial)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("another run is writing {}", partial.string()),
                 {},
                 std::nullopt,
                 "wait for it to end, or name another file",
                 {}};
}

/// Whether `path` still is the file that `status` describes.
bool is_still(const std::filesystem::path& path, const struct stat& status)
{
    struct stat now{};
    return ::lstat(path.c_str(), &now) == 0 && now.st_dev == status.st_dev && now.st_ino == status.st_ino;
}

/// Makes a leftover ours: no other run has it, it is an ordinary file with one name, and no more people may read it
/// than `mode` allows.
Result<> take_over(int descriptor, const std::filesystem::path& partial, Leftover leftover, unsigned mode)
{
    // Filesystems without locks (some network ones) are used without.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return busy(partial);
    }
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) {
        return from_errno(errno, "the file cannot be examined", partial.string());
    }
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} is not ours to write to", partial.string()),
                     "it is no ordinary file, or has a second name that would change with it",
                     std::nullopt,
                     "move it away, or name another file",
                     {}};
    }
    // Between opening and locking, the run that had it may have finished it: then it is no leftover any more.
    if (!is_still(partial, status)) {
        return busy(partial);
    }
    const auto tightened = status.st_mode & static_cast<mode_t>(mode);
    if (tightened != (status.st_mode & 0777U)) {
        // FAT and its kin keep no permissions and refuse: nothing is lost that they could have given.
        static_cast<void>(::fchmod(descriptor, tightened));
    }
    if (leftover == Leftover::start_over && ::ftruncate(descriptor, 0) != 0) {
        return from_errno(errno, "the file cannot be emptied", partial.string());
    }
    return {};
}

} // namespace

OutputFile::OutputFile(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

const std::filesystem::path& OutputFile::path() const noexcept
{
    return state_->path;
}

const std::filesystem::path& OutputFile::partial_path() const noexcept
{
    return state_->partial;
}

int OutputFile::descriptor() const noexcept
{
    return state_->descriptor;
}

Result<OutputFile> OutputFile::open_partial(const std::filesystem::path& path, Leftover leftover, unsigned mode)
{
    auto state = std::make_unique<State>();
    state->path = path;
    state->partial = path;
    state->partial += ".partial";
    state->descriptor = open_retrying(state->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
    if (state->descriptor < 0) {
        return from_errno(errno, "the file cannot be made", state->partial.string());
    }
    SALVAGE_TRY(take_over(state->descriptor, state->partial, leftover, mode));
    return OutputFile{std::move(state)};
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, Leftover leftover, unsigned mode)
{
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) {
        return refused(path);
    }
    return open_partial(path, leftover, mode);
}

Result<> OutputFile::write_at(ByteOffset at, ByteView bytes)
{
    while (!bytes.empty()) {
        const auto written = ::pwrite(state_->descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at.value));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return write_failed(written == 0 ? ENOSPC : errno, state_->partial, ByteCount{bytes.size()});
        }
        at = at + ByteCount{static_cast<std::uint64_t>(written)};
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> OutputFile::write_sparse_at(ByteOffset at, ByteView bytes)
{
    constexpr std::size_t block = 4096;
    const auto take_block = [&](std::size_t from) {
        // Blocks count from the file's start, so that a hole can be one.
        const auto within = (at.value + from) % block;
        return std::min<std::size_t>(bytes.size() - from, block - within);
    };
    std::size_t pending = 0; // start of the run that is not yet written
    std::size_t next = 0;
    while (next < bytes.size()) {
        const auto count = take_block(next);
        if (is_all_zero(bytes.subspan(next, count))) {
            SALVAGE_TRY(write_at(at + ByteCount{pending}, bytes.subspan(pending, next - pending)));
            pending = next + count;
        }
        next += count;
    }
    SALVAGE_TRY(write_at(at + ByteCount{pending}, bytes.subspan(pending)));
    const auto end = at.value + bytes.size();
    struct stat status{};
    if (::fstat(state_->descriptor, &status) == 0 && static_cast<std::uint64_t>(status.st_size) < end) {
        return set_size(ByteCount{end});
    }
    return {};
}

Result<> OutputFile::set_size(ByteCount size)
{
    if (::ftruncate(state_->descriptor, static_cast<off_t>(size.value)) != 0) {
        return write_failed(errno, state_->partial, size);
    }
    return {};
}

Result<> OutputFile::flush()
{
    if (::fsync(state_->descriptor) != 0) {
        return write_failed(errno, state_->partial, ByteCount{0});
    }
    return {};
}

Result<> OutputFile::commit()
{
    SALVAGE_TRY(flush());
    SALVAGE_TRY(rename_without_replacing(state_->partial, state_->path));
    return flush_folder(state_->path);
}

Result<> OutputFile::commit_replacing()
{
    SALVAGE_TRY(flush());
    if (::rename(state_->partial.c_str(), state_->path.c_str()) != 0) {
        return from_errno(errno, "the file cannot be replaced", state_->path.string());
    }
    return flush_folder(state_->path);
}

Result<> write_file_atomically(const std::filesystem::path& path, ByteView bytes, Existing existing, unsigned mode)
{
    auto file = SALVAGE_TRY(existing == Existing::refuse ? OutputFile::create(path, Leftover::start_over, mode)
                                                         : OutputFile::open_partial(path, Leftover::start_over, mode));
    SALVAGE_TRY(file.write_at(ByteOffset{0}, bytes));
    return existing == Existing::refuse ? file.commit() : file.commit_replacing();
}

} // namespace salvage::io

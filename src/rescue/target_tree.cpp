// A folder tree that a hostile source is written into.
#include "rescue/target_tree.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <limits>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/pieces.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::uint32_t permission_bits = 0777;

std::array<timespec, 2> times_of(const filesystem::Entry& entry)
{
    const auto to_timespec = [](const filesystem::Timestamp& time) {
        constexpr std::uint32_t last_nanosecond = 999'999'999;
        return timespec{.tv_sec = time.seconds,
                        .tv_nsec = static_cast<long>(std::min(time.nanoseconds, last_nanosecond))};
    };
    return {to_timespec(entry.accessed), to_timespec(entry.modified)};
}

bool is_about_the_name(int number) noexcept
{
    return number == ENAMETOOLONG || number == EILSEQ || number == EINVAL;
}

/// The path of an open file for calls that take only paths.
std::string path_of(int descriptor)
{
    return fmt::format("/proc/self/fd/{}", descriptor);
}

/// What the medium or the rights of this user do not allow is in the manifest; nothing is lost by going on.
void best_effort(int /*result*/) noexcept {}

} // namespace

bool is_holdable(std::string_view name) noexcept
{
    const auto has_forbidden = name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos;
    return !name.empty() && name != "." && name != ".." && !has_forbidden && name.size() <= NAME_MAX;
}

TargetTree::TargetTree(int root, std::filesystem::path path, std::string unfinished_folder)
    : root_{root}, path_{std::move(path)}, unfinished_name_{std::move(unfinished_folder)}, is_root_{::geteuid() == 0}
{
}

Error TargetTree::failed(int number, std::string_view what, const std::string& place) const
{
    auto error = from_errno(number, what, (path_ / place).string());
    if (is_about_the_name(number)) {
        error.code = ErrorCode::invalid_argument;
    }
    return error;
}

Result<TargetTree> TargetTree::open(int root, const std::filesystem::path& path, std::string unfinished_folder)
{
    TargetTree tree{root, path, std::move(unfinished_folder)};
    if (::mkdirat(root, tree.unfinished_name_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return tree.failed(errno, "the folder cannot be made", tree.unfinished_name_);
    }
    tree.unfinished_ = OwnedDescriptor{::openat(root, tree.unfinished_name_.c_str(), folder_flags)};
    if (!tree.unfinished_.is_open()) {
        return tree.failed(errno, "the folder cannot be opened", tree.unfinished_name_);
    }
    const int copy = ::dup(tree.unfinished_.get()); // the listing closes it
    auto* const listing = copy < 0 ? nullptr : ::fdopendir(copy);
    if (listing == nullptr) {
        return tree.failed(errno, "the folder cannot be listed", tree.unfinished_name_);
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread has this listing.
    while (const auto* const entry = ::readdir(listing)) {
        ::unlinkat(tree.unfinished_.get(), &entry->d_name[0], 0); // "." and ".." refuse
    }
    ::closedir(listing);
    return tree;
}

/// Goes down name by name; a folder that an earlier run left without its owner's rights gets them back.
Result<OwnedDescriptor> TargetTree::walk_down(const std::string& folder) const
{
    OwnedDescriptor at{::openat(root_, ".", folder_flags)};
    for (std::size_t from = 0; at.is_open() && from < folder.size();) {
        const auto end = std::min(folder.find('/', from), folder.size());
        const auto name = folder.substr(from, end - from);
        OwnedDescriptor next{::openat(at.get(), name.c_str(), folder_flags)};
        if (!next.is_open() && errno == EACCES) {
            const OwnedDescriptor closed{
                ::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
            if (closed.is_open() && ::chmod(path_of(closed.get()).c_str(), S_IRWXU) == 0) {
                next = OwnedDescriptor{::openat(at.get(), name.c_str(), folder_flags)};
            }
        }
        at = std::move(next);
        from = end + 1;
    }
    if (!at.is_open()) {
        return failed(errno, "the folder cannot be opened", folder);
    }
    return at;
}

Result<int> TargetTree::folder(const std::string& folder)
{
    if (!current_.is_open() || current_name_ != folder) {
        current_ = SALVAGE_TRY(walk_down(folder));
        current_name_ = folder;
    }
    return current_.get();
}

Result<> TargetTree::make_folder(const TreePlace& place)
{
    const auto parent = SALVAGE_TRY(folder(place.folder));
    if (::mkdirat(parent, place.name.c_str(), S_IRWXU) == 0) {
        return {};
    }
    const auto number = errno;
    struct stat status{};
    if (number == EEXIST && ::fstatat(parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(status.st_mode)) {
        return {};
    }
    return failed(number, "the folder cannot be made", place.path());
}

Result<> TargetTree::make_symlink(const TreePlace& place, const std::string& target, const filesystem::Entry& entry)
{
    const auto parent = SALVAGE_TRY(folder(place.folder));
    if (target.empty() || target.find('\0') != std::string::npos) {
        return failed(EINVAL, "the link cannot be made", place.path());
    }
    if (::symlinkat(target.c_str(), parent, place.name.c_str()) != 0) {
        const auto number = errno;
        auto error = failed(number, "the link cannot be made", place.path());
        if (number == EPERM || number == EOPNOTSUPP || number == ENOSYS) {
            error.code = ErrorCode::unsupported; // FAT and its kin
        }
        return error;
    }
    const auto times = times_of(entry);
    best_effort(::utimensat(parent, place.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
    if (is_root_) {
        best_effort(::fchownat(parent, place.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW));
    }
    return {};
}

std::optional<std::string> TargetTree::existing_symlink(const TreePlace& place)
{
    const auto parent = folder(place.folder);
    std::array<char, PATH_MAX> target{};
    const auto size = parent.has_value() ? ::readlinkat(*parent, place.name.c_str(), target.data(), target.size()) : -1;
    return size < 0 ? std::nullopt : std::optional{std::string{target.data(), static_cast<std::size_t>(size)}};
}

Result<> TargetTree::make_link(const TreePlace& first, const TreePlace& second)
{
    const auto from = SALVAGE_TRY(walk_down(first.folder));
    const auto to = SALVAGE_TRY(folder(second.folder));
    if (::linkat(from.get(), first.name.c_str(), to, second.name.c_str(), 0) == 0) {
        return {};
    }
    const auto number = errno;
    auto error = failed(number, "the second name cannot be made", second.path());
    if (number == EPERM || number == EMLINK || number == EOPNOTSUPP || number == ENOENT) {
        error.code = ErrorCode::unsupported;
    }
    return error;
}

Result<UnfinishedFile> TargetTree::start_file()
{
    UnfinishedFile file{.descriptor = {}, .name = fmt::format("{}.partial", next_number_)};
    ++next_number_;
    file.descriptor = OwnedDescriptor{::openat(unfinished_.get(), file.name.c_str(),
                                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!file.descriptor.is_open()) {
        return failed(errno, "the file cannot be made", unfinished_name_ + '/' + file.name);
    }
    return file;
}

Result<> TargetTree::set_size(const UnfinishedFile& file, ByteCount size)
{
    if (std::cmp_greater(size.value, std::numeric_limits<off_t>::max()) ||
        ::ftruncate(file.descriptor.get(), static_cast<off_t>(size.value)) != 0) {
        return from_errno(std::cmp_greater(size.value, std::numeric_limits<off_t>::max()) ? EFBIG : errno,
                          "the file cannot have this size", fmt::format("{} bytes", size.value));
    }
    return {};
}

namespace {
Result<> write_all(int descriptor, ByteOffset at, ByteView bytes)
{
    while (!bytes.empty()) {
        const auto written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at.value));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return from_errno(written == 0 ? ENOSPC : errno, "writing failed", fmt::format("{} bytes", bytes.size()));
        }
        at = at + ByteCount{static_cast<std::uint64_t>(written)};
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}
} // namespace

Result<> TargetTree::write_sparse(const UnfinishedFile& file, ByteOffset at, ByteView bytes)
{
    constexpr std::size_t block = 4096;
    std::size_t pending = 0; // start of the run that is not yet written
    for (std::size_t next = 0; next < bytes.size();) {
        const auto within = static_cast<std::size_t>((at.value + next) % block);
        const auto count = std::min(bytes.size() - next, block - within);
        if (is_all_zero(bytes.subspan(next, count))) {
            SALVAGE_TRY(
                write_all(file.descriptor.get(), at + ByteCount{pending}, bytes.subspan(pending, next - pending)));
            pending = next + count;
        }
        next += count;
    }
    return write_all(file.descriptor.get(), at + ByteCount{pending}, bytes.subspan(pending));
}

void TargetTree::dress(const UnfinishedFile& file, const filesystem::Entry& entry,
                       const filesystem::ExtendedAttributes& attributes) const
{
    const auto descriptor = file.descriptor.get();
    for (const auto& [name, value] : attributes) {
        // Labels and capabilities of the phone mean something else, or something dangerous, on this machine.
        if (name.starts_with("user.")) {
            best_effort(::fsetxattr(descriptor, name.c_str(), value.data(), value.size(), 0));
        }
    }
    if (is_root_) {
        best_effort(::fchown(descriptor, entry.uid, entry.gid));
    }
    best_effort(::fchmod(descriptor, (entry.mode & permission_bits) | S_IRUSR));
    const auto times = times_of(entry);
    best_effort(::futimens(descriptor, times.data()));
}

void TargetTree::drop(const UnfinishedFile& file)
{
    best_effort(::unlinkat(unfinished_.get(), file.name.c_str(), 0));
}

Result<> TargetTree::flush()
{
    if (::syncfs(root_) != 0) {
        return failed(errno, "the files cannot be flushed", {});
    }
    return {};
}

Result<> TargetTree::finish(const UnfinishedFile& file, const TreePlace& place)
{
    const auto parent = SALVAGE_TRY(folder(place.folder));
    const auto* const from = file.name.c_str();
    const auto* const to = place.name.c_str();
    if (::renameat2(unfinished_.get(), from, parent, to, RENAME_NOREPLACE) == 0) {
        return {};
    }
    auto number = errno;
    if (number == EINVAL || number == ENOSYS || number == EOPNOTSUPP) {
        // A filesystem without that call.  A link refuses an existing name too; FAT knows no links.
        if (::linkat(unfinished_.get(), from, parent, to, 0) == 0) {
            drop(file);
            return {};
        }
        number = errno;
        if (number != EEXIST && ::faccessat(parent, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            number = EEXIST;
        } else if (number != EEXIST) {
            number = ::renameat(unfinished_.get(), from, parent, to) == 0 ? 0 : errno;
        }
        if (number == 0) {
            return {};
        }
    }
    return failed(number, "the finished file cannot be named", place.path());
}

std::optional<ExistingFile> TargetTree::existing(const TreePlace& place)
{
    const auto parent = folder(place.folder);
    struct stat status{};
    if (!parent.has_value() || ::fstatat(*parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return ExistingFile{.size = ByteCount{static_cast<std::uint64_t>(status.st_size)},
                        .mtime_seconds = status.st_mtim.tv_sec};
}

Result<std::string> TargetTree::sha256_of(const TreePlace& place)
{
    const auto parent = SALVAGE_TRY(folder(place.folder));
    const OwnedDescriptor file{::openat(parent, place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat status{};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return not_found(fmt::format("{} is not a file", printable(place.path())));
    }
    crypto::Sha256 hash;
    Bytes buffer(chunk_bytes);
    for (;;) {
        const auto got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failed(errno, "reading failed", place.path());
        }
        if (got == 0) {
            return to_hex(hash.finish());
        }
        hash.update(ByteView{buffer}.first(static_cast<std::size_t>(got)));
    }
}

void TargetTree::remove_file(const TreePlace& place)
{
    if (const auto parent = folder(place.folder); parent.has_value()) {
        best_effort(::unlinkat(*parent, place.name.c_str(), 0));
    }
}

void TargetTree::dress_folder(const std::string& folder, const filesystem::Entry& entry)
{
    const auto opened = walk_down(folder);
    if (!opened.has_value()) {
        return;
    }
    if (is_root_) {
        best_effort(::fchown(opened->get(), entry.uid, entry.gid));
    }
    best_effort(::fchmod(opened->get(), (entry.mode & permission_bits) | S_IRWXU));
    const auto times = times_of(entry);
    best_effort(::futimens(opened->get(), times.data()));
}

void TargetTree::close()
{
    unfinished_ = OwnedDescriptor{};
    best_effort(::unlinkat(root_, unfinished_name_.c_str(), AT_REMOVEDIR));
}

} // namespace salvage::rescue

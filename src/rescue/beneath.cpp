// One name at a time, from descriptor to descriptor.
#include "rescue/beneath.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t read_bytes = 1U << 20U;
// Linux' own bound of a path.
constexpr std::size_t max_path_bytes = 64U << 10U;

Error from_open(int number, std::string_view path)
{
    if (number == ENOENT || number == ENOTDIR) {
        return not_found("it is not there", path);
    }
    if (number == ELOOP) {
        return Error{ErrorCode::refused, "a symbolic link stands in its way", std::string{path}, {}, {}, {}};
    }
    return from_errno(number, "it cannot be opened", path);
}

enum class Missing : bool { is_an_error, is_made };

Result<> make_folder(int parent, const std::string& name, std::string_view path)
{
    if (::mkdirat(parent, name.c_str(), 0777) == 0) {
        return flush_names(parent, path);
    }
    return errno == EEXIST ? Result<>{} : from_errno(errno, "a folder on its way cannot be made", path);
}

Error in_the_way(const std::string& name, std::string_view path)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("'{}' is no folder and stands in its way", printable(name)),
                 std::string{path},
                 {},
                 "move it away",
                 {}};
}

Result<NameBeneath> walk(int folder, std::string_view path, Missing missing)
{
    if (!is_beneath(path)) {
        return Error{ErrorCode::refused,
                     fmt::format("'{}' leads out of the case", printable(path.substr(0, 200))),
                     {},
                     {},
                     {},
                     {}};
    }
    // NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): POSIX
    NameBeneath out{.folder = OwnedDescriptor{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}, .name = {}};
    for (auto rest = path;;) {
        const auto slash = rest.find('/');
        out.name = rest.substr(0, slash);
        if (slash == std::string_view::npos) {
            return out;
        }
        if (missing == Missing::is_made) {
            SALVAGE_TRY(make_folder(out.folder.get(), out.name, path));
        }
        OwnedDescriptor next{
            ::openat(out.folder.get(), out.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!next.is_open()) {
            // Linux says ENOTDIR of a link, too: nothing is opened either way.
            return missing == Missing::is_made && (errno == ENOTDIR || errno == ELOOP) ? in_the_way(out.name, path)
                                                                                       : from_open(errno, path);
        }
        out.folder = std::move(next);
        rest.remove_prefix(slash + 1);
    }
    // NOLINTEND(cppcoreguidelines-pro-type-vararg)
}

} // namespace

bool is_beneath(std::string_view path) noexcept
{
    if (path.empty() || path.size() > max_path_bytes || path.find('\0') != std::string_view::npos) {
        return false;
    }
    while (true) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        path.remove_prefix(slash + 1);
    }
}

Result<OwnedDescriptor> open_case_folder(const std::filesystem::path& path)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor out{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return out.is_open() ? Result<OwnedDescriptor>{std::move(out)}
                         : from_errno(errno, "the case cannot be opened", path.string());
}

Result<NameBeneath> walk_beneath(int folder, std::string_view path)
{
    return walk(folder, path, Missing::is_an_error);
}

Result<NameBeneath> make_way_beneath(int folder, std::string_view path)
{
    return walk(folder, path, Missing::is_made);
}

Result<> flush_names(int folder, std::string_view path)
{
    // Some network filesystems cannot, and say EINVAL.
    return ::fsync(folder) == 0 || errno == EINVAL ? Result<>{}
                                                   : from_errno(errno, "the folder cannot be flushed", path);
}

Result<OwnedDescriptor> open_beneath(int folder, std::string_view path)
{
    const auto place = SALVAGE_TRY(walk_beneath(folder, path));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor file{
        ::openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!file.is_open()) {
        return from_open(errno, path);
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return Error{ErrorCode::mismatch, "it is no plain file", std::string{path}, {}, {}, {}};
    }
    return file;
}

Result<Measured> measure(int descriptor, std::uint64_t& bytes_done, const RunContext& context)
{
    Measured out;
    crypto::Sha256 hash;
    Bytes buffer(read_bytes);
    while (true) {
        if (context.is_stopped()) {
            return cancelled("verifying the case");
        }
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return from_errno(errno, "it cannot be read", "");
        }
        if (got == 0) {
            break;
        }
        hash.update(ByteView{buffer}.first(static_cast<std::size_t>(got)));
        out.size = out.size + ByteCount{static_cast<std::uint64_t>(got)};
        bytes_done += static_cast<std::uint64_t>(got);
        context.progress->update({.step = "verify", .unit = "bytes", .done = bytes_done, .total = {}});
    }
    out.sha256 = to_hex(hash.finish());
    return out;
}

} // namespace salvage::rescue

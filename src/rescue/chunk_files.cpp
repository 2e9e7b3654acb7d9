// Files of a shared folder: whole or not there, first come first kept.
#include "rescue/chunk_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/line_record.hpp"
#include "salvage/core/owned_descriptor.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

constexpr unsigned owner_only = 0600;

Result<> write_all(int descriptor, ByteView bytes, const fs::path& path)
{
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return from_errno(written == 0 ? EIO : errno, "the file cannot be written", path.string());
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

/// A new file, on the medium when this returns.  Errors: already_exists, io, no_space.
Result<> write_new_file(const fs::path& path, ByteView bytes)
{
    const OwnedDescriptor descriptor{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, owner_only)};
    if (!descriptor.is_open()) {
        return from_errno(errno, "the file cannot be made", path.string());
    }
    SALVAGE_TRY(write_all(descriptor.get(), bytes, path));
    if (::fsync(descriptor.get()) != 0) {
        return from_errno(errno, "the file cannot be flushed", path.string());
    }
    return {};
}

/// The new name survives a power cut.  Best effort: network file systems do that by themselves and may refuse.
void flush_folder(const fs::path& folder)
{
    const OwnedDescriptor descriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (descriptor.is_open()) {
        (void)::fsync(descriptor.get());
    }
}

/// Whether `path` holds exactly `bytes`.
Result<bool> holds(const fs::path& path, ByteView bytes)
{
    const auto found = SALVAGE_TRY(read_small_file(path, ByteCount{bytes.size()}));
    return found && std::ranges::equal(*found, bytes);
}

} // namespace

Result<std::string> make_token(Entropy& entropy)
{
    std::array<std::byte, 16> random{};
    SALVAGE_TRY(entropy.fill(random));
    return to_hex(random);
}

Result<bool> put_first(const fs::path& folder, const std::string& name, ByteView bytes, const std::string& token)
{
    const auto temporary = folder / fmt::format(".{}.{}", name, token);
    const auto path = folder / name;
    if (auto written = write_new_file(temporary, bytes); !written.has_value()) {
        ::unlink(temporary.c_str());
        return std::move(written).error();
    }
    const auto number = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
    ::unlink(temporary.c_str());
    if (number == 0) {
        flush_folder(folder);
        return true;
    }
    // Any failure may be a success whose reply was lost; the random token inside makes our bytes ours.
    const auto is_ours = holds(path, bytes);
    if (is_ours.has_value() && *is_ours) {
        flush_folder(folder);
        return true;
    }
    if (number == EEXIST) {
        return false;
    }
    return from_errno(number, "the file cannot be put in its place", path.string());
}

Result<std::optional<Bytes>> read_small_file(const fs::path& path, ByteCount limit)
{
    const OwnedDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!descriptor.is_open()) {
        if (errno == ENOENT) {
            return std::optional<Bytes>{};
        }
        return from_errno(errno, "the file cannot be opened", path.string());
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) {
        return from_errno(errno, "the file cannot be examined", path.string());
    }
    if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) > limit.value) {
        return unsupported(fmt::format("{} is not what belongs there", path.string()),
                           fmt::format("it is no ordinary file, or larger than {} bytes", limit.value), "move it away");
    }
    Bytes out(static_cast<std::size_t>(status.st_size));
    std::size_t used = 0;
    while (used < out.size()) {
        const auto got = ::read(descriptor.get(), out.data() + used, out.size() - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return from_errno(errno, "the file cannot be read", path.string());
        }
        if (got == 0) {
            break; // it was cut meanwhile; its checksum will tell
        }
        used += static_cast<std::size_t>(got);
    }
    out.resize(used);
    return std::optional{std::move(out)};
}

Result<std::vector<std::string>> names_in(const fs::path& folder)
{
    std::error_code problem;
    std::vector<std::string> out;
    fs::directory_iterator each{folder, problem};
    if (problem == std::errc::no_such_file_or_directory) {
        return out;
    }
    for (; !problem && each != fs::directory_iterator{}; each.increment(problem)) {
        auto name = each->path().filename().string();
        if (!name.starts_with('.')) {
            out.push_back(std::move(name));
        }
        if (out.size() > max_folder_names) {
            return unsupported(fmt::format("{} holds too many files", folder.string()),
                               fmt::format("over {}", max_folder_names));
        }
    }
    if (problem) {
        return from_errno(problem.value(), "the folder cannot be read", folder.string());
    }
    std::ranges::sort(out);
    return out;
}

std::optional<std::uint64_t> number_named(std::string_view name) noexcept
{
    const bool is_canonical = name == "0" || !name.starts_with('0');
    return is_canonical ? whole_number(name) : std::nullopt;
}

Result<> make_folder(const fs::path& path)
{
    std::error_code problem;
    fs::create_directories(path, problem);
    return problem ? Result<>{from_errno(problem.value(), "the folder cannot be made", path.string())} : Result<>{};
}

} // namespace salvage::rescue

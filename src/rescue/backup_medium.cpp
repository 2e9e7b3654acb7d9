// O_DIRECT, or POSIX_FADV_DONTNEED.
#include "rescue/backup_medium.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rescue/beneath.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20U;
/// What O_DIRECT wants offsets, sizes and memory to be multiples of, on every device there is.
constexpr std::size_t alignment = 4096;

} // namespace

MediumFile::MediumFile(OwnedDescriptor file, ByteCount size, std::string name)
    : file_{std::move(file)}, size_{size}, name_{std::move(name)},
      buffer_{static_cast<std::byte*>(std::aligned_alloc(alignment, buffer_bytes))}
{
    if (!buffer_) {
        throw std::bad_alloc{};
    }
}

Result<MediumFile> MediumFile::open(int folder, const std::string& path)
{
    auto file = SALVAGE_TRY(open_beneath(folder, path));
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) {
        return from_errno(errno, "a copied file cannot be looked at", path);
    }
    // What a write has left in memory goes to the medium first, or the cache could not forget it.
    ::fdatasync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    const auto flags = ::fcntl(file.get(), F_GETFL);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX; where it is refused, the cache has been emptied
    ::fcntl(file.get(), F_SETFL, flags | O_DIRECT);
    return MediumFile{std::move(file), ByteCount{static_cast<std::uint64_t>(facts.st_size)}, path};
}

Result<> MediumFile::read(ByteRange range, const std::function<Result<>(ByteOffset, ByteView)>& take)
{
    const auto end = std::min(range.end().value, size_.value);
    for (auto at = range.start().value; at < end;) {
        const auto wanted = std::min<std::uint64_t>(buffer_bytes, end - at);
        const auto asked = (wanted + alignment - 1) / alignment * alignment;
        const auto got = ::pread(file_.get(), buffer_.get(), asked, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return from_errno(errno, "a copy cannot be read", name_);
        }
        if (got == 0) {
            break; // it became shorter
        }
        const auto used = std::min(wanted, static_cast<std::uint64_t>(got));
        SALVAGE_TRY(take(ByteOffset{at}, ByteView{buffer_.get(), static_cast<std::size_t>(used)}));
        at += used;
        if (used < wanted && at % alignment != 0) {
            break; // the end, though the size said otherwise
        }
    }
    return {};
}

Result<std::string> MediumFile::hash(ByteRange range)
{
    crypto::Sha256 sum;
    SALVAGE_TRY(read(range, [&](ByteOffset /*at*/, ByteView bytes) -> Result<> {
        sum.update(bytes);
        return {};
    }));
    return to_hex(sum.finish());
}

} // namespace salvage::rescue

// Files and block devices, opened read-only.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "salvage/io/sources.hpp"

namespace salvage::io {
namespace {

/// A descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int value) noexcept : value_{value} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : value_{std::exchange(other.value_, -1)} {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor()
    {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    [[nodiscard]] int get() const noexcept { return value_; }

private:
    int value_;
};

class FileSource final : public ByteSource {
public:
    FileSource(Descriptor descriptor, ByteCount size, std::string name)
        : descriptor_{std::move(descriptor)}, size_{size}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto got = ::pread(descriptor_.get(), into.data(), into.size(), static_cast<off_t>(at.value));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                return read_error(at, errno);
            }
            if (got == 0) {
                return Error{ErrorCode::truncated, "the file became shorter while it was read", {}, locate(at), {}, {}};
            }
            at = at + ByteCount{static_cast<std::uint64_t>(got)};
            into = into.subspan(static_cast<std::size_t>(got));
        }
        return {};
    }

    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        std::vector<Extent> out;
        auto at = range.start();
        while (at < range.end()) {
            const auto data = ::lseek(descriptor_.get(), static_cast<off_t>(at.value), SEEK_DATA);
            if (data < 0 && errno != ENXIO) {
                // The filesystem or device knows no holes.
                out.push_back({.range = ByteRange::between(at, range.end()), .kind = ExtentKind::data});
                break;
            }
            const auto data_at =
                data < 0 ? range.end() : std::min(ByteOffset{static_cast<std::uint64_t>(data)}, range.end());
            out.push_back({.range = ByteRange::between(at, data_at), .kind = ExtentKind::hole});
            if (data_at >= range.end()) {
                break;
            }
            const auto hole = ::lseek(descriptor_.get(), static_cast<off_t>(data_at.value), SEEK_HOLE);
            // A filesystem that answers with the place asked from must not keep us here.
            const auto hole_at =
                hole <= data ? range.end() : std::min(ByteOffset{static_cast<std::uint64_t>(hole)}, range.end());
            out.push_back({.range = ByteRange::between(data_at, hole_at), .kind = ExtentKind::data});
            at = hole_at;
        }
        return merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{.source = name_, .at = at}}}; }

private:
    [[nodiscard]] Error read_error(ByteOffset at, int number) const
    {
        auto error = from_errno(number, "reading failed", name_);
        error.where = locate(at);
        if (number == EIO) {
            error.code = ErrorCode::unreadable;
        }
        return error;
    }

    Descriptor descriptor_;
    ByteCount size_;
    std::string name_;
};

Result<ByteCount> size_of(int descriptor, const struct stat& status, const std::string& name)
{
    if (S_ISREG(status.st_mode)) {
        return ByteCount{static_cast<std::uint64_t>(status.st_size)};
    }
    if (S_ISBLK(status.st_mode)) {
        std::uint64_t bytes = 0;
        if (::ioctl(descriptor, BLKGETSIZE64, &bytes) != 0) {
            return from_errno(errno, "the device does not tell its size", name);
        }
        return ByteCount{bytes};
    }
    return Error{ErrorCode::io,
                 "this is neither a file nor a block device",
                 name,
                 std::nullopt,
                 "name a dump, or a file of one",
                 {}};
}

} // namespace

Result<SourcePtr> open_file(const std::filesystem::path& path)
{
    // Without O_NONBLOCK a named pipe would wait for its writer before it can be refused; files and disks ignore it.
    Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (descriptor.get() < 0) {
        return from_errno(errno, "the file cannot be opened", path.string());
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) {
        return from_errno(errno, "the file cannot be examined", path.string());
    }
    const auto size = SALVAGE_TRY(size_of(descriptor.get(), status, path.string()));
    ::posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return std::make_shared<FileSource>(std::move(descriptor), size, path.string());
}

} // namespace salvage::io

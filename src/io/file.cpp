// Files and block devices, opened read-only.
#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::io {
namespace {

class FileSource final : public ByteSource {
public:
    FileSource(OwnedDescriptor descriptor, ByteCount size, std::string name, bool may_have_holes)
        : descriptor_{std::move(descriptor)}, size_{size}, name_{std::move(name)}, may_have_holes_{may_have_holes}
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
        std::call_once(is_asked_, [this] { known_ = ask_system(ByteRange::first(size_), max_known_extents); });
        return known_ ? cut(*known_, range) : *ask_system(range, std::numeric_limits<std::size_t>::max());
    }

    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{.source = name_, .at = at}}}; }

private:
    /// Every question about holes may walk the whole file in the kernel (tmpfs does), so the answer is kept: 24 bytes
    /// an extent.  A dump in more pieces than this is asked about each time.
    static constexpr std::size_t max_known_extents = 1U << 18U;

    static std::vector<Extent> cut(const std::vector<Extent>& extents, ByteRange range)
    {
        std::vector<Extent> out;
        const auto first = std::ranges::upper_bound(extents, range.start(), {},
                                                    [](const Extent& extent) { return extent.range.end(); });
        for (auto each = first; each != extents.end() && each->range.start() < range.end(); ++each) {
            if (const auto part = each->range.intersection(range); !part.is_empty()) {
                out.push_back({.range = part, .kind = each->kind});
            }
        }
        return out;
    }

    /// Nothing where there are more than `most`.
    [[nodiscard]] std::optional<std::vector<Extent>> ask_system(ByteRange range, std::size_t most) const
    {
        std::vector<Extent> out;
        if (range.is_empty()) {
            return out;
        }
        if (!may_have_holes_) {
            out.push_back({.range = range, .kind = ExtentKind::data});
            return out;
        }
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
            if (out.size() > most) {
                return std::nullopt;
            }
        }
        return merged(std::move(out));
    }

    [[nodiscard]] Error read_error(ByteOffset at, int number) const
    {
        auto error = from_errno(number, "reading failed", name_);
        error.where = locate(at);
        if (number == EIO) {
            error.code = ErrorCode::unreadable;
        }
        return error;
    }

    OwnedDescriptor descriptor_;
    ByteCount size_;
    std::string name_;
    bool may_have_holes_;
    mutable std::once_flag is_asked_;
    mutable std::optional<std::vector<Extent>> known_;
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
    OwnedDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (descriptor.get() < 0) {
        return from_errno(errno, "the file cannot be opened", path.string());
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) {
        return from_errno(errno, "the file cannot be examined", path.string());
    }
    const auto size = SALVAGE_TRY(size_of(descriptor.get(), status, path.string()));
    ::posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    // st_blocks counts 512-byte units whatever the filesystem's block is.
    const bool may_have_holes = static_cast<std::uint64_t>(status.st_blocks) * 512 < size.value;
    return std::make_shared<FileSource>(std::move(descriptor), size, path.string(), may_have_holes);
}

} // namespace salvage::io

// Block devices and files, read as a flash.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/sources.hpp"

namespace salvage::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = 1U << 20U;
// Of direct I/O, for memory and offset: a page does for every device.
constexpr std::size_t alignment = 4096;
// A line in /sys.
constexpr ByteCount max_attribute{4096};

struct AlignedDelete {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, std::align_val_t{alignment}); }
};

/// A page-aligned buffer of chunk_bytes.
class AlignedBuffer {
public:
    AlignedBuffer() : memory_{static_cast<std::byte*>(::operator new(chunk_bytes, std::align_val_t{alignment}))} {}
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {memory_.get(), chunk_bytes}; }

private:
    std::unique_ptr<std::byte, AlignedDelete> memory_;
};

/// A file in /sys, without its line break; nothing where there is none.
std::optional<std::string> attribute(const fs::path& path)
{
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) {
        return std::nullopt;
    }
    const OwnedDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, max_attribute.value> text{};
    const auto got = file.is_open() ? ::read(file.get(), text.data(), text.size()) : -1;
    if (got <= 0) {
        return std::nullopt;
    }
    std::string out{text.data(), static_cast<std::size_t>(got)};
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ' || out.back() == '\0')) {
        out.pop_back();
    }
    return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

Error no_device(int number, const fs::path& path)
{
    auto error = from_errno(number, "the device cannot be opened", path.string());
    if (number == ENOENT || number == ENXIO || number == ENODEV || number == ENOMEDIUM) {
        error.code = ErrorCode::not_found;
        error.hint = "connect it, and name it as the system does (lsblk)";
    } else if (number == EACCES || number == EPERM) {
        error.hint = "block devices are read by root or by the group 'disk'";
    }
    return error;
}

/// One region: an open device.
struct Part {
    fs::path path;
    OwnedDescriptor buffered;
    OwnedDescriptor direct; ///< past the page cache; not open where that is not possible
    StorageRegion region;
    bool is_device{false};
};

Result<ByteCount> size_of(const Part& part, const struct stat& status)
{
    if (!part.is_device) {
        return ByteCount{static_cast<std::uint64_t>(status.st_size)};
    }
    std::uint64_t bytes = 0;
    if (::ioctl(part.buffered.get(), BLKGETSIZE64, &bytes) != 0) { // NOLINT(cppcoreguidelines-pro-type-vararg): POSIX
        return from_errno(errno, "the device does not tell its size", part.path.string());
    }
    return ByteCount{bytes};
}

Result<Part> open_part(const fs::path& path, std::string name, std::uint32_t id)
{
    // NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): POSIX open.
    Part part{.path = path,
              .buffered = OwnedDescriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)},
              .direct = OwnedDescriptor{},
              .region = {.name = std::move(name), .id = id, .size = {}}};
    // NOLINTEND(cppcoreguidelines-pro-type-vararg)
    if (!part.buffered.is_open()) {
        return no_device(errno, path);
    }
    struct stat status{};
    if (::fstat(part.buffered.get(), &status) != 0) {
        return from_errno(errno, "the device cannot be examined", path.string());
    }
    if (!S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode)) {
        return invalid_argument("this is neither a block device nor a file", path.string(),
                                "a phone on a serial port is named with --serial");
    }
    part.is_device = S_ISBLK(status.st_mode);
    if (part.is_device) {
        part.direct = OwnedDescriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)}; // NOLINT(*-vararg): POSIX
    }
    part.region.size = SALVAGE_TRY(size_of(part, status));
    ::posix_fadvise(part.buffered.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return part;
}

/// The folder of /sys that describes a block device.
fs::path sys_folder(const Part& part)
{
    struct stat status{};
    if (::fstat(part.buffered.get(), &status) != 0) {
        return {};
    }
    return fs::path{"/sys/dev/block"} / fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev));
}

class BlockReader final : public FlashReader {
public:
    explicit BlockReader(std::vector<Part> parts) : parts_{std::move(parts)}
    {
        const auto& main = parts_.front();
        info_.kind = StorageKind::block_device;
        info_.block = ByteCount{512};
        for (const auto& part : parts_) {
            info_.regions.push_back(part.region);
        }
        std::string serial;
        if (main.is_device) {
            int logical = 0;
            if (::ioctl(main.buffered.get(), BLKSSZGET, &logical) == 0 && logical > 0) { // NOLINT(*-vararg): POSIX
                info_.block = ByteCount{static_cast<std::uint64_t>(logical)};
            }
            serial = read_identity(sys_folder(main) / "device");
        }
        // As a download agent says it: a read that began in the phone goes on in a chip reader.
        identity_ = serial.starts_with("emmc ")
                        ? serial
                        : fmt::format("block {} bytes{}{}", main.region.size.value, serial.empty() ? "" : " ", serial);
    }

    [[nodiscard]] const StorageInfo& storage() const noexcept override { return info_; }
    [[nodiscard]] std::string identity() const override { return identity_; }

    Result<> read(const StorageRegion& region, ByteRange range, const Sink& sink, const RunContext& context) override
    {
        const auto part = std::ranges::find(parts_, region.name, [](const Part& each) { return each.region.name; });
        if (part == parts_.end() || range.end().value > part->region.size.value) {
            return invalid_argument("the range does not lie in the device", part == parts_.end() ? region.name : "");
        }
        for (auto at = range.start(); at < range.end();) {
            if (context.is_stopped()) {
                return cancelled("reading the device");
            }
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>((range.end() - at).value, chunk_bytes));
            const auto got = SALVAGE_TRY(read_some(*part, at, count));
            SALVAGE_TRY(sink(at, ByteView{buffer_.bytes()}.first(got)));
            at = at + ByteCount{got};
        }
        return {};
    }

private:
    /// What tells this device from another of the same size.
    std::string read_identity(const fs::path& folder)
    {
        if (const auto cid = attribute(folder / "cid")) {
            const auto bytes = from_hex(*cid);
            info_.cid = bytes.has_value() ? *bytes : Bytes{};
            info_.kind = attribute(folder / "type") == "SD" ? StorageKind::sd : StorageKind::emmc;
            return info_.cid.empty() ? "cid " + *cid : "emmc " + to_hex(info_.cid);
        }
        for (const auto* const name : {"wwid", "serial"}) {
            if (const auto text = attribute(folder / name)) {
                return fmt::format("{} {}", name, *text);
            }
        }
        return {};
    }

    /// At least one byte at `at`, into the buffer.
    Result<std::size_t> read_some(const Part& part, ByteOffset at, std::size_t count)
    {
        auto got = read_once(part.buffered.get(), at, count);
        auto number = errno;
        const auto is_aligned = at.value % info_.block.value == 0 && count % info_.block.value == 0;
        if (got < 0 && number == EIO && part.direct.is_open() && is_aligned) {
            // The page cache reads pages: one bad sector costs its neighbours, and what is read ahead.
            got = read_once(part.direct.get(), at, count);
            number = errno;
        }
        if (got < 0) {
            return failure(part, at, number);
        }
        if (got == 0) {
            return Error{ErrorCode::disconnected,
                         "the device became shorter while it was read",
                         part.path.string(),
                         std::nullopt,
                         {},
                         {}};
        }
        return static_cast<std::size_t>(got);
    }

    [[nodiscard]] ssize_t read_once(int descriptor, ByteOffset at, std::size_t count) const
    {
        for (;;) {
            const auto got = ::pread(descriptor, buffer_.bytes().data(), count, static_cast<off_t>(at.value));
            if (got >= 0 || errno != EINTR) {
                return got;
            }
        }
    }

    static Error failure(const Part& part, ByteOffset at, int number)
    {
        auto error = from_errno(number, "reading the device failed", part.path.string());
        error.where = Location{{Place{.source = part.path.string(), .at = at}}};
        if (number == ETIMEDOUT) {
            error.code = ErrorCode::timed_out;
        } else if (!is_still_there(part) || number == ENODEV || number == ENXIO || number == ENOMEDIUM) {
            error.code = ErrorCode::disconnected;
        } else if (number == EIO || number == EILSEQ || number == EREMOTEIO) {
            error.code = ErrorCode::unreadable; // EILSEQ: what MMC hosts make of a bad checksum
        }
        return error;
    }

    /// A reader that was pulled out answers EIO like a bad sector; but its name is gone.
    static bool is_still_there(const Part& part)
    {
        const OwnedDescriptor again{
            ::open(part.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)}; // NOLINT(*-vararg): POSIX
        struct stat before{};
        struct stat now{};
        return again.is_open() && ::fstat(again.get(), &now) == 0 && ::fstat(part.buffered.get(), &before) == 0 &&
               now.st_rdev == before.st_rdev && (part.is_device || now.st_ino == before.st_ino);
    }

    std::vector<Part> parts_; ///< the main one first
    StorageInfo info_;
    std::string identity_;
    AlignedBuffer buffer_;
};

} // namespace

Result<std::unique_ptr<FlashReader>> open_block_device(const fs::path& path)
{
    std::vector<Part> parts;
    parts.push_back(SALVAGE_TRY(open_part(path, "user", 0)));
    for (const std::uint32_t number : {0U, 1U}) {
        const auto boot = fmt::format("{}boot{}", path.string(), number);
        std::error_code ignored;
        if (!parts.front().is_device || !fs::exists(boot, ignored)) {
            continue;
        }
        auto part = SALVAGE_TRY(open_part(boot, fmt::format("boot{}", number + 1), number + 1));
        if (part.region.size.value > 0) {
            parts.push_back(std::move(part));
        }
    }
    if (parts.front().region.size.value == 0) {
        return Error{ErrorCode::not_found,
                     fmt::format("{} is empty", printable(path.string())),
                     "a reader without a card or chip has a size of zero",
                     std::nullopt,
                     "put the chip in, and run the same command again",
                     {}};
    }
    return std::make_unique<BlockReader>(std::move(parts));
}

} // namespace salvage::device

// A flash made of files and memory.
#include "salvage/device/phone_flash.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/text.hpp"

namespace salvage::device {
namespace {

struct RegionId {
    std::string_view name;
    std::uint32_t id;
};
// The numbers of READ_DATA: docs/formats/xflash.md.
constexpr std::array region_ids{RegionId{"boot1", 1}, RegionId{"boot2", 2}, RegionId{"rpmb", 3}, RegionId{"gp1", 4},
                                RegionId{"gp2", 5},   RegionId{"gp3", 6},   RegionId{"gp4", 7},  RegionId{"user", 8},
                                RegionId{"lu0", 1},   RegionId{"lu1", 2},   RegionId{"lu2", 3}};

// Manufacturer 0x90, "SALVG1": no real chip has this name.
constexpr std::array<std::uint8_t, 16> own_cid{0x90, 0x01, 0x4A, 0x53, 0x41, 0x4C, 0x56, 0x47,
                                               0x31, 0x01, 0x12, 0x34, 0x56, 0x78, 0x9A, 0x01};

Error beyond(std::string_view region, ByteRange range, std::uint64_t size)
{
    return truncated(range.end(), fmt::format("the range ends beyond region {}", region),
                     fmt::format("it ends at {}, the region has {} bytes", format_offset(range.end()), size));
}

} // namespace

struct PhoneFlash::Backing {
    Result<> read(std::uint64_t at, std::span<std::byte> into) const
    {
        if (!descriptor.is_open()) {
            std::ranges::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                static_cast<std::ptrdiff_t>(into.size()), into.begin());
            return {};
        }
        while (!into.empty()) {
            const auto got = ::pread(descriptor.get(), into.data(), into.size(), static_cast<off_t>(at));
            if (got <= 0) {
                return from_errno(got == 0 ? EIO : errno, "the simulated flash cannot be read", path);
            }
            at += static_cast<std::uint64_t>(got);
            into = into.subspan(static_cast<std::size_t>(got));
        }
        return {};
    }

    Result<> write(std::uint64_t at, ByteView from)
    {
        if (!descriptor.is_open()) {
            std::ranges::copy(from, bytes.begin() + static_cast<std::ptrdiff_t>(at));
            return {};
        }
        while (!from.empty()) {
            const auto put = ::pwrite(descriptor.get(), from.data(), from.size(), static_cast<off_t>(at));
            if (put < 0) {
                return from_errno(errno, "the simulated flash cannot be written", path);
            }
            at += static_cast<std::uint64_t>(put);
            from = from.subspan(static_cast<std::size_t>(put));
        }
        return {};
    }

    std::string name;
    std::string path;
    OwnedDescriptor descriptor;
    Bytes bytes;
    std::uint64_t size{};
    bool is_read_only{false};
};

struct PhoneFlash::BadArea {
    std::string region;
    ByteRange range;
    unsigned failures{}; ///< left; 0: for good
};

PhoneFlash::PhoneFlash() = default;
PhoneFlash::~PhoneFlash() = default;

Result<> PhoneFlash::add(RegionSource source, StorageKind kind)
{
    const auto* const known = std::ranges::find(region_ids, source.name, &RegionId::name);
    if (known == region_ids.end() || info_.find(source.name) != nullptr) {
        return invalid_argument("a region of the simulated flash is unknown or named twice", source.name,
                                "regions are user, boot1, boot2, rpmb, gp1 to gp4, or lu0 to lu2");
    }
    auto backing = std::make_unique<Backing>();
    backing->name = source.name;
    backing->is_read_only = source.is_read_only;
    if (source.path.empty()) {
        backing->bytes = std::move(source.bytes);
        backing->size = backing->bytes.size();
    } else {
        backing->path = source.path.string();
        backing->descriptor =
            OwnedDescriptor{::open(source.path.c_str(), (source.is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC)};
        struct stat status{};
        if (!backing->descriptor.is_open() || ::fstat(backing->descriptor.get(), &status) != 0) {
            return from_errno(errno, "the simulated flash cannot be opened", backing->path);
        }
        backing->size = static_cast<std::uint64_t>(status.st_size);
    }
    info_.kind = kind;
    info_.regions.push_back({.name = source.name, .id = known->id, .size = ByteCount{backing->size}});
    backing_.push_back(std::move(backing));
    return {};
}

Result<std::shared_ptr<PhoneFlash>> PhoneFlash::open(std::vector<RegionSource> regions, StorageKind kind, Bytes cid)
{
    // Not make_shared: the constructor is private.
    std::shared_ptr<PhoneFlash> flash{new PhoneFlash};
    for (auto& region : regions) {
        SALVAGE_TRY(flash->add(std::move(region), kind));
    }
    const std::string_view main_region = kind == StorageKind::ufs ? "lu2" : "user";
    if (flash->info_.find(main_region) == nullptr) {
        return invalid_argument("the simulated flash has no main region", fmt::format("it is called {}", main_region));
    }
    flash->info_.block = ByteCount{kind == StorageKind::ufs ? 4096U : 512U};
    flash->info_.firmware_version = 1;
    flash->info_.sram = ByteCount{0x40000};
    flash->info_.dram = ByteCount{2ULL << 30U};
    if (cid.empty()) {
        const auto own = std::as_bytes(std::span{own_cid});
        cid.assign(own.begin(), own.end());
    }
    flash->info_.cid = std::move(cid);
    flash->info_.cid.resize(own_cid.size());
    return flash;
}

Result<PhoneFlash::Backing*> PhoneFlash::find(std::string_view region, ByteRange range) const
{
    const auto found =
        std::ranges::find_if(backing_, [&](const std::unique_ptr<Backing>& each) { return each->name == region; });
    if (found == backing_.end()) {
        return not_found("the simulated flash has no such region", region);
    }
    if (range.end().value > (*found)->size) {
        return beyond(region, range, (*found)->size);
    }
    return found->get();
}

Result<> PhoneFlash::fail_where_bad(std::string_view region, ByteRange range) const
{
    // The first bad byte in the range counts, and only its area has failed once more.
    BadArea* first = nullptr;
    for (auto& area : bad_) {
        if (area.region == region && area.range.overlaps(range) &&
            (first == nullptr || area.range.start() < first->range.start())) {
            first = &area;
        }
    }
    if (first == nullptr) {
        return {};
    }
    const auto at = first->range.intersection(range).start();
    if (first->failures == 1) {
        bad_.erase(bad_.begin() + (first - bad_.data()));
    } else if (first->failures > 1) {
        --first->failures;
    }
    return Error{ErrorCode::unreadable,
                 "a bad area of the simulated flash",
                 {},
                 Location{{Place{.source = std::string{region}, .at = at}}},
                 {},
                 {}};
}

Result<> PhoneFlash::read(std::string_view region, ByteOffset at, std::span<std::byte> into) const
{
    const auto range = ByteRange::make(at, ByteCount{into.size()});
    if (!range) {
        return truncated(at, "the range ends beyond all addresses");
    }
    const std::scoped_lock lock{mutex_};
    const auto* const backing = SALVAGE_TRY(find(region, *range));
    SALVAGE_TRY(fail_where_bad(region, *range));
    return backing->read(at.value, into);
}

Result<> PhoneFlash::check(std::string_view region, ByteRange range) const
{
    const std::scoped_lock lock{mutex_};
    SALVAGE_TRY(find(region, range));
    return fail_where_bad(region, range);
}

Result<> PhoneFlash::write(std::string_view region, ByteOffset at, ByteView bytes)
{
    const auto range = ByteRange::make(at, ByteCount{bytes.size()});
    if (!range) {
        return truncated(at, "the range ends beyond all addresses");
    }
    const std::scoped_lock lock{mutex_};
    auto* const backing = SALVAGE_TRY(find(region, *range));
    if (backing->is_read_only) {
        return Error{ErrorCode::refused, "the simulated flash is only read", backing->path, std::nullopt, {}, {}};
    }
    writes_.emplace_back(region, *range);
    return backing->write(at.value, bytes);
}

void PhoneFlash::add_bad_area(std::string_view region, ByteRange range, unsigned failures)
{
    const std::scoped_lock lock{mutex_};
    bad_.push_back({.region = std::string{region}, .range = range, .failures = failures});
}

std::vector<std::pair<std::string, ByteRange>> PhoneFlash::writes() const
{
    const std::scoped_lock lock{mutex_};
    return writes_;
}

} // namespace salvage::device

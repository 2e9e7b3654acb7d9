// The partition table that is on a phone's flash now.
#include "rescue/restore_flash_layout.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

// GPT with 4096-byte sectors ends at 24 KiB; EBR1 lies at 0x80000 in the MBR era.
constexpr ByteCount head{1ULL << 20U};
// The PMT lies 1 MiB before the end (MediaTek LK: pmt), the backup GPT in the last 512 KiB.
constexpr ByteCount tail{2ULL << 20U};

const device::StorageRegion* user_region(const device::StorageInfo& storage) noexcept
{
    for (const std::string_view name : {"user", "lu2"}) {
        if (const auto* const found = storage.find(name); found != nullptr) {
            return found;
        }
    }
    return nullptr;
}

Result<Bytes> read_range(device::FlashReader& reader, const device::StorageRegion& region, ByteRange range,
                         const RunContext& context)
{
    Bytes out(static_cast<std::size_t>(range.size().value));
    std::uint64_t done = 0;
    const auto sink = [&](ByteOffset /*at*/, ByteView bytes) -> Result<> {
        if (bytes.size() > out.size() - done) {
            return Error{ErrorCode::internal, "the phone sent more than was asked for", {}, std::nullopt, {}, {}};
        }
        std::ranges::copy(bytes, out.begin() + static_cast<std::ptrdiff_t>(done));
        done += bytes.size();
        return {};
    };
    SALVAGE_TRY(reader.read(region, range, sink, context));
    out.resize(static_cast<std::size_t>(done));
    return out;
}

bool is_table(const partition::Table& table) noexcept
{
    return table.kind != "carved";
}

} // namespace

Result<partition::Layout> read_flash_layout(device::FlashReader& reader, const RunContext& context)
{
    const auto* const region = user_region(reader.storage());
    if (region == nullptr) {
        return not_found("the phone has no user area", "its storage information names none");
    }
    const auto size = region->size;
    const auto first = ByteRange::first(std::min(head, size));
    const auto rest = ByteCount{size.value - first.size().value};
    const auto last = ByteRange::between(ByteOffset{size.value - std::min(tail, rest).value}, ByteOffset{size.value});
    std::vector<io::SourcePtr> pieces{
        io::make_memory(SALVAGE_TRY(read_range(reader, *region, first, context)), "head")};
    if (last.start() > first.end()) {
        pieces.push_back(io::make_missing(last.start() - first.end(), "not read"));
    }
    if (!last.is_empty()) {
        pieces.push_back(io::make_memory(SALVAGE_TRY(read_range(reader, *region, last, context)), "tail"));
    }
    const auto flash = SALVAGE_TRY(io::make_concat(std::move(pieces), "phone"));
    auto tables = SALVAGE_TRY(partition::find_tables_in_dump(*flash, "phone"));
    // What carving finds in a head and a tail is no table of the phone.
    std::erase_if(tables, [](const auto& table) { return !is_table(table); });
    return partition::reconcile(std::move(tables), size);
}

std::optional<PhonePartitionFacts> find_in(const partition::Layout& layout, std::string_view partition)
{
    const auto* const found = layout.find(partition);
    if (found == nullptr) {
        return std::nullopt;
    }
    return PhonePartitionFacts{.name = found->name,
                               .region = found->region,
                               .start = found->is_start_known ? std::optional{found->start} : std::nullopt,
                               .size = found->is_size_known ? std::optional{found->size} : std::nullopt};
}

} // namespace salvage::rescue

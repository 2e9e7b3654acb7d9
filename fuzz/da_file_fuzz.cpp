// Download agent files: whatever parses gives stages that lie inside the file.
#include <cstdint>

#include "require.hpp"
#include "salvage/device/da_file.hpp"
#include "salvage/device/mediatek.hpp"

namespace {

using namespace salvage;
using fuzz::require;

bool lies_inside(ByteView part, ByteView whole)
{
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void walk(const device::DaFile& file, ByteView bytes)
{
    for (const auto& entry : file.entries) {
        require(entry.regions.size() <= 10);
        const auto stages = device::stages_of(entry, bytes);
        if (!stages.has_value()) {
            require(stages.error().where.has_value() && !to_string(stages.error()).empty());
            continue;
        }
        require(lies_inside(stages->first, bytes) && lies_inside(stages->second, bytes));
        require(lies_inside(stages->second_unsigned(), stages->second));
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto file = device::parse_da_file(bytes);
    if (!file.has_value()) {
        require(file.error().where.has_value() || file.error().code == ErrorCode::truncated);
        require(!to_string(file.error()).empty());
        return 0;
    }
    walk(*file, bytes);
    device::MediatekIdentity phone;
    phone.hw_code = 0x326;
    phone.hw_version = 0xCA01;
    const auto entry = device::choose_agent(*file, phone);
    require(entry.has_value() ? entry->da_code == 0x6755 && entry->hw_version <= phone.hw_version
                              : entry.error().code == ErrorCode::not_found);
    return 0;
}

// One layout of several files.
#include "salvage/rescue/layout.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

// Table dumps and scatter files are far smaller, and no phone's flash is.
constexpr ByteCount smallest_dump{8ULL << 20U};

} // namespace

Result<partition::Layout> read_layout(const std::vector<std::filesystem::path>& files)
{
    std::vector<partition::Table> tables;
    std::optional<ByteCount> dump_size;
    for (const auto& path : files) {
        const auto source = SALVAGE_TRY(io::open_any(path));
        auto more = SALVAGE_TRY(partition::read_tables(*source, path.string()).in("reading " + path.string()));
        std::ranges::move(more, std::back_inserter(tables));
        if (source->size() >= smallest_dump) {
            dump_size = std::max(dump_size.value_or(ByteCount{0}), source->size());
        }
    }
    return partition::reconcile(std::move(tables), dump_size);
}

Result<NamedOffsets> name_offsets(partition::Layout layout, const std::vector<std::string>& texts)
{
    NamedOffsets out{.layout = std::move(layout), .offsets = {}};
    for (const auto& text : texts) {
        const auto at = SALVAGE_TRY(partition::resolve_offset(out.layout, text));
        const auto* const holder = out.layout.containing(at);
        out.offsets.push_back({.offset = at,
                               .partition = holder == nullptr ? std::string{} : holder->name,
                               .within = holder == nullptr ? ByteCount{} : at - holder->start});
    }
    return out;
}

} // namespace salvage::rescue

#include "items.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "salvage/rescue/extract.hpp"

namespace salvage::web {
namespace {

/// Photos have the gallery.
std::vector<std::string> kinds_shown()
{
    auto out = rescue::extract_kinds();
    std::erase(out, "photos");
    return out;
}

void fill(ItemShelf& shelf, const Known& known, const std::stop_token& stop)
{
    RunContext context;
    context.stop = stop;
    const auto sink = shelf.sink();
    const auto properties = rescue::system_properties_of(known.open->dump);
    const auto add = [&shelf](artifact::KindReport kind) { shelf.add_kind(std::move(kind)); };
    auto done = rescue::extract_into(*sink, *known.files, kinds_shown(), properties, add, context);
    shelf.finish(done.has_value() ? std::nullopt : std::optional{std::move(done).error()});
}

} // namespace

Result<std::shared_ptr<const ItemShelf>> Items::get(const KnownPtr& known)
{
    const std::scoped_lock changing{changing_};
    if (number_ == known->number) {
        return std::shared_ptr<const ItemShelf>{shelf_};
    }
    reader_ = {}; // ends the one before
    shelf_ = SALVAGE_TRY(ItemShelf::create(known->open->folder->path()));
    number_ = known->number;
    reader_ = std::jthread{[shelf = shelf_, known](const std::stop_token& stop) { fill(*shelf, *known, stop); }};
    return std::shared_ptr<const ItemShelf>{shelf_};
}

void Items::forget()
{
    const std::scoped_lock changing{changing_};
    reader_ = {};
    shelf_ = {};
    number_ = 0;
}

} // namespace salvage::web

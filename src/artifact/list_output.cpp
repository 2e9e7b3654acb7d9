#include "artifact/list_output.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::artifact {
namespace {

// A page is kept in memory until it is drawn; CSV and JSON have all rows.
constexpr std::size_t max_shown_rows = 100'000;
constexpr std::size_t max_cell_bytes = 4096;

} // namespace

Result<> ListOutput::begin()
{
    const auto stem = fmt::format("{0}/{0}", report_->name);
    csv_ = SALVAGE_TRY(extraction_->sink->begin(stem + ".csv"));
    json_ = SALVAGE_TRY(extraction_->sink->begin(stem + ".json"));
    columns_.emplace_back("Origin");
    SALVAGE_TRY(csv_->add(csv_line(columns_)));
    return json_->add(fmt::format(R"({{"schema":"salvage.{0}/1","{0}":[)", report_->name));
}

Result<> ListOutput::add(std::vector<Cell> cells, Json json, const Origin& origin)
{
    if (extraction_->context->is_stopped()) {
        return cancelled("taking out " + report_->title);
    }
    if (csv_ == nullptr) {
        SALVAGE_TRY(begin());
    }
    cells.push_back({.text = to_string(origin)});
    std::vector<std::string> texts;
    texts.reserve(cells.size());
    for (auto& cell : cells) {
        texts.push_back(cell.text.substr(0, max_text_bytes));
        cell.text.resize(std::min(cell.text.size(), max_cell_bytes));
    }
    SALVAGE_TRY(csv_->add(csv_line(texts)));
    json["origin"] = origin_json(origin);
    SALVAGE_TRY(json_->add((report_->items == 0 ? "\n" : ",\n") + dumped(json)));
    ++report_->items;
    if (page_.rows.size() < max_shown_rows) {
        page_.rows.push_back(std::move(cells));
    } else {
        ++unshown_;
    }
    return {};
}

Result<> ListOutput::end()
{
    if (csv_ == nullptr) {
        return {};
    }
    SALVAGE_TRY(csv_->finish());
    SALVAGE_TRY(json_->add("\n]}\n"));
    SALVAGE_TRY(json_->finish());
    const auto stem = fmt::format("{0}/{0}", report_->name);
    report_->outputs.push_back(stem + ".csv");
    report_->outputs.push_back(stem + ".json");
    report_->page = stem + ".html";
    page_.path = report_->page;
    page_.title = report_->title;
    page_.columns = columns_;
    page_.notes = report_->notes;
    if (unshown_ > 0) {
        page_.notes.push_back(fmt::format("{} more are in the CSV and JSON.", unshown_));
    }
    return extraction_->sink->page(page_);
}

} // namespace salvage::artifact

#include "artifact/list_output.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace salvage::artifact {
namespace {

constexpr std::size_t max_cell_bytes = 4096;

} // namespace

void ShownRows::add(std::vector<Cell> cells)
{
    std::size_t bytes = 0;
    for (auto& cell : cells) {
        cell.text.resize(cut_text(cell.text, max_cell_bytes).size());
        bytes += sizeof(Cell) + cell.text.size() + cell.link.size() + cell.picture.size();
    }
    if (rows_.size() >= most_rows_ || bytes > room_) {
        ++left_out_;
        return;
    }
    room_ -= bytes;
    rows_.push_back(std::move(cells));
}

void ShownRows::end(TablePage& page, std::string_view where)
{
    page.rows = std::move(rows_);
    if (left_out_ > 0) {
        page.notes.push_back(fmt::format("{} more are in {}.", left_out_, where));
    }
}

Result<> ListOutput::begin()
{
    csv_ = SALVAGE_TRY(extraction_->sink->begin(names_.stem + ".csv"));
    json_ = SALVAGE_TRY(extraction_->sink->begin(names_.stem + ".json"));
    columns_.emplace_back("Origin");
    SALVAGE_TRY(csv_->add(csv_line(columns_)));
    return json_->add(fmt::format(R"({{"schema":"salvage.{}/1","{}":[)", names_.schema, names_.key));
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
    for (const auto& cell : cells) {
        texts.emplace_back(cut_text(cell.text, max_text_bytes));
    }
    SALVAGE_TRY(csv_->add(csv_line(texts)));
    json["origin"] = origin_json(origin);
    SALVAGE_TRY(json_->add((report_->items == 0 ? "\n" : ",\n") + dumped(json)));
    ++report_->items;
    rows_.add(std::move(cells));
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
    report_->outputs.push_back(names_.stem + ".csv");
    report_->outputs.push_back(names_.stem + ".json");
    report_->page = names_.stem + ".html";
    std::ranges::move(notes_, std::back_inserter(report_->notes));
    TablePage page{
        .path = report_->page, .title = report_->title, .columns = columns_, .rows = {}, .notes = report_->notes};
    rows_.end(page, "the CSV and JSON");
    return extraction_->sink->page(page);
}

} // namespace salvage::artifact

#include "artifact/deleted_output.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "artifact/sqlite_state.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

std::vector<std::string> with_proof(std::vector<std::string> titles)
{
    for (const auto* const title : {"Confidence", "Found in", "Page", "Byte"}) {
        titles.emplace_back(title);
    }
    return titles;
}

std::string confidence_of(const RecoveredRow& row)
{
    return std::string{to_string(row.confidence)} +
           (row.is_replaced ? "; an earlier state of an entry that is there" : "");
}

} // namespace

std::optional<std::size_t> FoundFields::index_of(std::string_view field) const
{
    const auto found =
        std::ranges::find_if(table_->columns, [&](const auto& known) { return is_same_name(known.name, field); });
    const auto index = static_cast<std::size_t>(found - table_->columns.begin());
    return index < row_->values.size() ? std::optional{index} : std::nullopt;
}

std::string FoundFields::text(std::string_view field) const
{
    const auto index = index_of(field);
    const auto text = index ? to_text(row_->values[*index]) : std::nullopt;
    return text.value_or(std::string{}) + (index && row_->states[*index] == ValueState::part ? "…" : "");
}

std::optional<std::int64_t> FoundFields::integer(std::string_view field) const
{
    const auto index = index_of(field);
    return index && row_->states[*index] == ValueState::whole ? to_integer(row_->values[*index]) : std::nullopt;
}

Json FoundFields::names_of(ValueState state) const
{
    Json out = Json::array();
    for (std::size_t i = 0; i < row_->states.size(); ++i) {
        if (row_->states[i] == state) {
            out.push_back(text_json(std::string_view{table_->columns[i].name}));
        }
    }
    return out;
}

DeletedList::DeletedList(Extraction& extraction, KindReport& report, const std::string& stem,
                         std::vector<std::string> shown)
    : extraction_{&extraction}, report_{&report},
      list_{extraction,
            report,
            with_proof(std::move(shown)),
            {.stem = "deleted/" + stem, .schema = "deleted-" + stem, .key = stem}}
{
    report.is_deleted = true;
    list_.add_note("Deleted, and still in free parts of the phone's databases.");
    list_.add_note(
        "Confidence: whole, all of it is there; chained, its end lies in pages that may have been used since; "
        "start lost, its number is overwritten, its values are there; cut, something lies over its end.");
}

Result<std::vector<RecoveredRow>> DeletedList::find(OpenDatabase& database, std::span<const std::string_view> tables)
{
    ++asked_;
    auto found = read_deleted_rows(database.database(), database.files(), tables, extraction_->bounds.kept_a_database,
                                   extraction_->context->stop);
    if (!found.has_value()) {
        if (found.error().code == ErrorCode::cancelled) {
            return std::move(found).error();
        }
        database.add_problem(fmt::format("deleted rows could not be looked for: {}", to_string(found.error())));
        return std::vector<RecoveredRow>{};
    }
    for (const auto table : tables) {
        database.note_read(table, {});
    }
    if (found->left_out > 0) {
        database.add_problem(fmt::format("{} deleted rows are left out: there is no room for more", found->left_out));
    }
    if (found->unreadable_pages > 0) {
        database.add_problem(fmt::format("{} pages could not be looked through", found->unreadable_pages));
    }
    if (found->is_live_unknown) {
        database.add_problem(
            "a part of what is there cannot be read: some of the rows called deleted may not be deleted at all");
    }
    if (found->is_cut) {
        database.add_problem(
            "looking for deleted rows ended early: it takes more steps than a database of its size can "
            "need");
    }
    looked_through_ += found->is_cut || found->unreadable_pages > 0 ? 0U : 1U;
    return std::move(found->rows);
}

Result<> DeletedList::end()
{
    if (report_->items == 0 && asked_ > 0 && looked_through_ == asked_) {
        report_->notes.emplace_back(
            "Free parts of the phone's databases were looked through; nothing that can be recognised is left there. "
            "What was deleted is written over in time.");
    }
    return list_.end();
}

Result<> DeletedList::take(OpenDatabase& database, std::span<const std::string_view> tables,
                           std::string_view time_field,
                           const std::function<std::optional<ShownDeleted>(const FoundFields&)>& show)
{
    const auto rows = SALVAGE_TRY(find(database, tables));
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    order.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const FoundFields fields{*database.database().find_table(rows[i].table), rows[i]};
        order.emplace_back(fields.integer(time_field).value_or(0), i);
    }
    std::ranges::sort(order);
    for (const auto& [time, index] : order) {
        const FoundFields fields{*database.database().find_table(rows[index].table), rows[index]};
        if (auto shown = show(fields)) {
            SALVAGE_TRY(add(database, fields, *std::move(shown)));
        }
    }
    return {};
}

Result<> DeletedList::add(const OpenDatabase& database, const FoundFields& fields, ShownDeleted shown)
{
    const auto& row = fields.row();
    const auto& source = row.is_in_wal ? database.files().wal : database.files().database;
    const auto where = source->locate(ByteOffset{row.byte});
    const Origin origin{.file = database.path() + (row.is_in_wal ? "-wal" : ""),
                        .table = row.table,
                        .row = row.rowid,
                        .byte = where.chain.empty() ? std::nullopt : std::optional{where.chain.front().at.value}};
    for (auto text :
         {confidence_of(row), std::string{to_string(row.place)}, std::to_string(row.page), std::to_string(row.byte)}) {
        shown.cells.push_back({.text = std::move(text)});
    }
    shown.json["confidence"] = to_string(row.confidence);
    shown.json["found_in"] = to_string(row.place);
    shown.json["replaced"] = row.is_replaced;
    shown.json["cut"] = fields.names_of(ValueState::part);
    shown.json["lost"] = fields.names_of(ValueState::lost);
    shown.json["page"] = row.page;
    shown.json["byte_in_file"] = row.byte;
    report_->damaged += row.confidence == RowConfidence::cut ? 1U : 0U;
    return list_.add(std::move(shown.cells), std::move(shown.json), origin);
}

} // namespace salvage::artifact

// A phone's database, with a WAL behind it: rows that it no longer has are looked for in all of it.
#include <algorithm>
#include <cstdint>
#include <span>

#include "artifact/deleted_rows.hpp"
#include "require.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;

/// The first two bytes say how long the database is, in 64 bytes; the WAL is the rest.
artifact::DatabaseFiles database_and_wal(ByteView bytes)
{
    const auto part = [](ByteView view) { return io::make_memory({view.begin(), view.end()}, "part"); };
    if (bytes.size() < 2) {
        return {.database = part(bytes)};
    }
    const auto rest = bytes.subspan(2);
    const auto length = std::min<std::size_t>(rest.size(), std::size_t{load_le<std::uint16_t>(bytes)} * 64);
    artifact::DatabaseFiles out{.database = part(rest.first(length))};
    if (length < rest.size()) {
        out.wal = part(rest.subspan(length));
    }
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto files = database_and_wal(std::as_bytes(std::span{data, size}));
    auto opened = artifact::Database::open(files);
    if (!opened.has_value()) {
        return 0;
    }
    std::vector<std::string_view> tables;
    for (const auto& table : opened->tables()) {
        tables.emplace_back(table.name);
    }
    constexpr std::size_t room = 4U << 20U;
    const auto found = artifact::read_deleted_rows(*opened, files, tables, room, {});
    if (!found.has_value()) {
        return 0;
    }
    fuzz::require(found->rows.size() <= size); // each has bytes of its own
    for (const auto& row : found->rows) {
        const auto* const table = opened->find_table(row.table);
        fuzz::require(table != nullptr && row.values.size() == table->columns.size());
        fuzz::require(row.values.size() == row.states.size());
        const auto& file = row.is_in_wal ? files.wal : files.database;
        fuzz::require(row.byte < file->size().value);
        const bool is_whole = row.confidence == artifact::RowConfidence::whole;
        fuzz::require(!is_whole || row.rowid.has_value());
        fuzz::require(std::ranges::find(row.states, artifact::ValueState::part) == row.states.end() ||
                      row.confidence == artifact::RowConfidence::cut);
    }
    return 0;
}

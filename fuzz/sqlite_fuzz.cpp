// A phone's database, with a WAL or a journal behind it: everything in it is read.
#include <array>
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/artifact/sqlite.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;

/// The first byte says what the rest is; the next two how long the database is, in 64 bytes.
artifact::DatabaseFiles files_of(ByteView bytes)
{
    if (bytes.size() < 3) {
        return {.database = io::make_memory({bytes.begin(), bytes.end()}, "db")};
    }
    const auto kind = std::to_integer<unsigned>(bytes[0]) % 3;
    const auto rest = bytes.subspan(3);
    const auto length =
        kind == 0 ? rest.size()
                  : std::min<std::size_t>(rest.size(), std::size_t{load_le<std::uint16_t>(bytes.subspan(1))} * 64);
    const auto part = [](ByteView view) { return io::make_memory({view.begin(), view.end()}, "part"); };
    artifact::DatabaseFiles out{.database = part(rest.first(length))};
    if (kind == 1) {
        out.wal = part(rest.subspan(length));
    } else if (kind == 2) {
        out.journal = part(rest.subspan(length));
    }
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    auto opened = artifact::Database::open(files_of(bytes));
    if (!opened.has_value()) {
        return 0;
    }
    for (const auto& table : opened->tables()) {
        std::vector<std::string_view> columns;
        columns.reserve(table.columns.size());
        for (const auto& column : table.columns) {
            columns.push_back(column.name);
        }
        std::uint64_t rows = 0;
        std::int64_t last = 1;
        const auto read = opened->read(table.name, columns, [&](const artifact::Row& row) -> Result<> {
            fuzz::require(row.values.size() == columns.size());
            ++rows;
            last = row.rowid.value_or(last);
            return {};
        });
        fuzz::require(read.has_value() && read->rows == rows);
        fuzz::require(rows <= size); // a row takes a byte at least, and none comes twice
        static_cast<void>(opened->count(table.name));
        static_cast<void>(opened->find_row(table.name, columns, 1));
        for (const auto row : {last, std::int64_t{1}}) {
            const auto place = opened->place_of(table.name, row);
            fuzz::require(!place || place->value < size);
        }
    }
    return 0;
}

// One table read from end to end, around what is damaged in it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "artifact/sqlite_state.hpp"

namespace salvage::artifact {

/// For one use.  What it is given outlives it.
class TableReader {
public:
    TableReader(Database::State& state, const Table& table, std::span<const std::string_view> columns,
                const std::function<Result<>(const Row&)>& visit, RowWindow window);

    /// As Database::read.
    Result<RowsRead> run();

private:
    enum class Direction : bool { rising, falling };

    [[nodiscard]] bool is_cut_short() const noexcept { return window_.most && read_.rows >= *window_.most; }
    Result<> take(const Row& row);
    [[nodiscard]] Error out_of_order() const;
    Result<> note(Error error);
    Result<> read_without_rowid();
    [[nodiscard]] std::string sql(Direction direction) const;
    Result<bool> pass(Direction direction);
    [[nodiscard]] bool is_out_of_order(Direction direction, std::optional<std::int64_t> before,
                                       std::int64_t rowid) const noexcept;
    Result<bool> pass_over_row();
    Result<std::optional<std::int64_t>> next_rowid();

    Database::State* state_;
    const Table* table_;
    std::size_t columns_;
    std::string select_;
    std::string rowid_;
    const std::function<Result<>(const Row&)>* visit_;
    RowWindow window_;
    std::optional<std::int64_t> last_; ///< all rows up to this one are done
    std::uint64_t seen_{0};
    RowsRead read_;
};

} // namespace salvage::artifact

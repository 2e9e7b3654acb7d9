// What of the found rows is no deleted row: what the database still has, and what was found before.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "artifact/deleted_rows.hpp"
#include "artifact/deleted_scan.hpp"

namespace salvage::artifact {

/// The rows of one table that were found, by the values that they begin with: as many as are whole.  Not thread safe.
class DeletedSieve {
public:
    /// `work`: comparisons until nothing more is dropped.  All three outlive this.
    DeletedSieve(std::vector<RecoveredRow>& rows, const TableShape& shape, std::uint64_t& work);

    [[nodiscard]] bool is_empty() const noexcept { return order_.empty(); }
    /// A row that is there now, with all its values.
    void drop_live(const Row& row);
    /// What was found twice; the best is kept.
    void drop_twins();
    [[nodiscard]] bool is_dropped(std::size_t index) const { return dropped_.contains(index); }

private:
    void add(std::size_t index);
    /// Leading fields of which the values are known, or that are the rowid.
    [[nodiscard]] std::size_t known_fields(const RecoveredRow& row) const;
    [[nodiscard]] std::uint64_t with_field(std::uint64_t hash, std::size_t field, const Value& value) const;
    /// Drops what says nothing that these values do not: of those from `first_rank` on.
    void drop(std::span<const Value> values, std::optional<std::int64_t> rowid, std::size_t known,
              std::size_t first_rank, const std::vector<std::size_t>* rank);
    [[nodiscard]] bool is_covered(const RecoveredRow& row, std::span<const Value> values,
                                  std::optional<std::int64_t> rowid, std::size_t known) const;

    std::vector<RecoveredRow>* rows_;
    const TableShape* shape_;
    std::uint64_t* work_;
    std::set<std::size_t> lengths_;
    std::unordered_multimap<std::uint64_t, std::size_t> by_begin_;
    std::unordered_multimap<std::int64_t, std::size_t> by_rowid_;
    std::vector<std::size_t> order_;
    std::set<std::size_t> dropped_;
};

} // namespace salvage::artifact

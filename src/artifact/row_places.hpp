// Where in a database's file a row lies, so that an item can name its byte in the dump.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "salvage/core/bytes.hpp"
#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// Walks the trees of a database's tables.  Keeps the pages that lead to others, so that a row costs the reading of one
/// page.  Not thread safe.  Spec: sqlite.org/fileformat2.html, 1.6.
class RowPlaces {
public:
    explicit RowPlaces(io::SourcePtr database);
    RowPlaces(RowPlaces&&) noexcept;
    RowPlaces& operator=(RowPlaces&&) noexcept;
    ~RowPlaces();

    /// The first byte of the row's cell, by the tree of the table that begins in page `root`.  Nothing where the way
    /// there is not what it should be.
    [[nodiscard]] std::optional<ByteOffset> find(std::int64_t root, std::int64_t rowid);

private:
    struct Page;
    using PagePtr = std::shared_ptr<const Page>;
    [[nodiscard]] PagePtr read_page(std::int64_t number) const;
    [[nodiscard]] PagePtr page(std::int64_t number);

    io::SourcePtr database_;
    std::uint64_t page_bytes_{0}; ///< 0: the file says nothing that can be
    std::unordered_map<std::int64_t, PagePtr> kept_;
};

} // namespace salvage::artifact

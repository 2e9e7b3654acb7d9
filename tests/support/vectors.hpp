// Test vectors as data: `Key = value` lines in records, `[Section]` headings, `#` comments that name the origin.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"

namespace salvage::test {

/// One record of a vector file: the lines between two empty ones.  A missing or unreadable value throws, naming the
/// line.
class VectorRecord {
public:
    VectorRecord(std::string where, std::string section) : where_{std::move(where)}, section_{std::move(section)} {}

    [[nodiscard]] const std::string& section() const noexcept { return section_; }
    /// "kdf.vec:17", for messages.
    [[nodiscard]] const std::string& where() const noexcept { return where_; }
    [[nodiscard]] bool has(std::string_view key) const { return values_.contains(std::string{key}); }
    /// The value as it stands.
    [[nodiscard]] const std::string& text(std::string_view key) const;
    /// The value as hex digits; `"…"` stands for the bytes of the text between the quotes.
    [[nodiscard]] Bytes bytes(std::string_view key) const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const;

    void set(std::string key, std::string value) { values_.insert_or_assign(std::move(key), std::move(value)); }
    [[nodiscard]] bool is_empty() const noexcept { return values_.empty(); }

private:
    std::string where_;
    std::string section_;
    std::map<std::string, std::string> values_;
};

/// The records of a file in order.  Throws where the file is missing or holds none.
[[nodiscard]] std::vector<VectorRecord> read_vectors(const std::filesystem::path& path);
/// Those of one section.  Throws where there are none: a test that checks nothing is a mistake.
[[nodiscard]] std::vector<VectorRecord> read_vectors(const std::filesystem::path& path, std::string_view section);

} // namespace salvage::test

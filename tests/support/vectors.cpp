// Test vectors as data.
#include "support/vectors.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

#include "salvage/core/text.hpp"

namespace salvage::test {
namespace {

std::string trimmed(std::string_view text)
{
    constexpr std::string_view white_space = " \t\r";
    const auto first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string{text.substr(first, text.find_last_not_of(white_space) - first + 1)};
}

} // namespace

const std::string& VectorRecord::text(std::string_view key) const
{
    const auto found = values_.find(std::string{key});
    if (found == values_.end()) {
        throw std::runtime_error{where_ + ": no " + std::string{key}};
    }
    return found->second;
}

Bytes VectorRecord::bytes(std::string_view key) const
{
    const std::string_view value = text(key);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
        const auto view = as_bytes(value.substr(1, value.size() - 2));
        return {view.begin(), view.end()};
    }
    auto bytes = from_hex(value);
    if (!bytes.has_value()) {
        throw std::runtime_error{where_ + ": " + std::string{key} + ": " + to_string(bytes.error())};
    }
    return std::move(*bytes);
}

std::uint64_t VectorRecord::number(std::string_view key) const
{
    const auto number = parse_quantity(text(key));
    if (!number.has_value()) {
        throw std::runtime_error{where_ + ": " + std::string{key} + ": " + to_string(number.error())};
    }
    return *number;
}

std::vector<VectorRecord> read_vectors(const std::filesystem::path& path)
{
    std::ifstream file{path};
    std::vector<VectorRecord> records;
    std::string section;
    bool is_inside = false;
    std::size_t line_number = 0;
    for (std::string raw; std::getline(file, raw);) {
        ++line_number;
        const auto line = trimmed(raw);
        const auto where = path.filename().string() + ":" + std::to_string(line_number);
        if (line.empty()) {
            is_inside = false;
        } else if (line.starts_with('[') && line.ends_with(']')) {
            section = line.substr(1, line.size() - 2);
            is_inside = false;
        } else if (!line.starts_with('#')) {
            const auto equals = line.find('=');
            if (equals == std::string::npos) {
                throw std::runtime_error{where + ": neither a heading, nor a comment, nor `Key = value`"};
            }
            if (!is_inside) {
                records.emplace_back(where, section);
                is_inside = true;
            }
            records.back().set(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
        }
    }
    if (records.empty()) {
        throw std::runtime_error{path.string() + " holds no test vectors, or is missing"};
    }
    return records;
}

std::vector<VectorRecord> read_vectors(const std::filesystem::path& path, std::string_view section)
{
    auto records = read_vectors(path);
    std::erase_if(records, [section](const VectorRecord& record) { return record.section() != section; });
    if (records.empty()) {
        throw std::runtime_error{path.string() + " has no section " + std::string{section}};
    }
    return records;
}

} // namespace salvage::test

// What the tests of this box share: tables of files and of bytes, findings by code, dumps put together from areas.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "salvage/partition/layout.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::partition::testing {

inline Result<std::vector<Table>> tables_of_bytes(Bytes bytes, std::string_view path)
{
    const auto source = io::make_memory(std::move(bytes), std::string{path});
    return read_tables(*source, path);
}

inline Result<std::vector<Table>> tables_of_text(std::string_view text, std::string_view path = "text")
{
    const auto bytes = as_bytes(text);
    return tables_of_bytes(Bytes{bytes.begin(), bytes.end()}, path);
}

inline Result<std::vector<Table>> tables_of_file(const std::filesystem::path& path)
{
    return tables_of_bytes(test::read_file(path), path.string());
}

/// The only table of a file; an empty one where there is none or more than one, so that the test fails.
inline Table table_of(const std::filesystem::path& path)
{
    auto tables = tables_of_file(path);
    EXPECT_TRUE(test::is_ok(tables)) << path;
    EXPECT_TRUE(!tables.has_value() || tables->size() == 1) << path;
    return tables.has_value() && tables->size() == 1 ? std::move(tables->front()) : Table{};
}

inline Table table_of_text(std::string_view text)
{
    auto tables = tables_of_text(text);
    EXPECT_TRUE(test::is_ok(tables));
    return tables.has_value() && !tables->empty() ? std::move(tables->front()) : Table{};
}

inline const Partition* find(const std::vector<Partition>& partitions, std::string_view name)
{
    const auto found = std::ranges::find(partitions, name, &Partition::name);
    return found != partitions.end() ? &*found : nullptr;
}

inline const Finding* find_code(const std::vector<Finding>& findings, std::string_view code)
{
    const auto found = std::ranges::find(findings, code, &Finding::code);
    return found != findings.end() ? &*found : nullptr;
}

inline std::size_t count_code(const std::vector<Finding>& findings, std::string_view code)
{
    return static_cast<std::size_t>(std::ranges::count(findings, code, &Finding::code));
}

inline std::optional<std::uint64_t> number(const Finding* finding, std::string_view name)
{
    if (finding == nullptr) {
        return std::nullopt;
    }
    const auto found =
        std::ranges::find(finding->numbers, name, [](const auto& pair) { return std::string_view{pair.first}; });
    return found != finding->numbers.end() ? std::optional{found->second} : std::nullopt;
}

inline std::string attribute(const Partition& partition, std::string_view name)
{
    const auto found =
        std::ranges::find(partition.attributes, name, [](const auto& pair) { return std::string_view{pair.first}; });
    return found != partition.attributes.end() ? found->second : std::string{};
}

/// Codes of the findings that are more than notes.
inline std::set<std::string> warnings_of(const std::vector<Finding>& findings)
{
    std::set<std::string> out;
    for (const auto& finding : findings) {
        if (finding.severity != Severity::note) {
            out.insert(finding.code);
        }
    }
    return out;
}

/// A sparse file of `size` bytes with `areas` in it, as a dump.
struct Area {
    std::uint64_t at;
    Bytes bytes;
};
class DumpFile {
public:
    DumpFile(std::uint64_t size, const std::vector<Area>& areas) : path_{folder_.write("phone.img", {})}
    {
        std::ofstream file{path_, std::ios::binary | std::ios::in | std::ios::out};
        for (const auto& area : areas) {
            file.seekp(static_cast<std::streamoff>(area.at));
            file << as_text(area.bytes);
        }
        file.close();
        std::filesystem::resize_file(path_, size);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] io::SourcePtr open() const { return io::open_file(path_).unwrap(); }
    [[nodiscard]] std::vector<Table> tables() const
    {
        const auto source = open();
        auto found = find_tables_in_dump(*source, "phone.img");
        EXPECT_TRUE(test::is_ok(found));
        return found.has_value() ? std::move(found).unwrap() : std::vector<Table>{};
    }

private:
    test::TemporaryFolder folder_;
    std::filesystem::path path_;
};

} // namespace salvage::partition::testing

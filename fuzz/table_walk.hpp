// What the fuzz targets of partition tables share: read, reconcile, ask, render; whatever fails must say so in words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "require.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::fuzz {

inline void require_sound(const Error& error)
{
    require(!error.what.empty() && !to_string(error).empty());
}

inline void require_sound(const partition::Partition& partition)
{
    require(!partition.name.empty() && !partition.region.empty() && !partition.source.empty());
    require(checked_add(partition.start.value, partition.size.value).has_value());
    require(partition.is_size_known || partition.size.value == 0);
}

inline void require_sound(const std::vector<Finding>& findings)
{
    for (const auto& finding : findings) {
        require(!finding.code.empty() && !finding.text.empty());
    }
}

/// Reconciles and asks the layout what commands ask.
inline partition::Layout walk(std::vector<partition::Table> tables, std::optional<ByteCount> dump_size)
{
    for (const auto& table : tables) {
        require(!table.kind.empty());
        std::ranges::for_each(table.partitions, [](const auto& partition) { require_sound(partition); });
        require_sound(table.findings);
    }
    auto layout = partition::reconcile(std::move(tables), dump_size);
    require_sound(layout.findings);
    for (const auto& partition : layout.partitions) {
        require_sound(partition);
        const bool holds_bytes = partition.is_start_known && partition.is_size_known && partition.size.value > 0;
        if (holds_bytes && partition.region == "user") {
            const auto* const holder = layout.containing(partition.start);
            require(holder != nullptr && holder->size <= partition.size);
            require(!partition::describe_offset(layout, partition.start).empty());
        }
        require(layout.find(partition.name) != nullptr);
        const auto start = partition::resolve_offset(layout, partition.name);
        require(start.has_value() || !start.error().why.empty());
    }
    ignore(partition::resolve_offset(layout, "metadata+0x24"), "any outcome is right");
    require(!partition::describe_offset(layout, ByteOffset{0x3BC8024}).empty());
    return layout;
}

/// Zeros, of which there may be many without any memory.
class Zeros final : public io::ByteSource {
public:
    explicit Zeros(ByteCount size) : size_{size} {}
    [[nodiscard]] ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        if (!into.empty()) {
            std::memset(into.data(), 0, into.size()); // by far faster under sanitizers than a loop
        }
        return {};
    }
    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        return io::merged({io::Extent{.range = range, .kind = io::ExtentKind::hole}});
    }
    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        return Location{{Place{.source = "zeros", .at = at}}};
    }

private:
    ByteCount size_;
};

inline Bytes copied(ByteView bytes)
{
    return {bytes.begin(), bytes.end()};
}

/// Bytes as a file of their own: a dump of a table, or a text.
inline void walk_file(ByteView bytes, std::string_view name)
{
    auto tables = partition::read_tables(*io::make_memory(copied(bytes), std::string{name}), name);
    if (tables.has_value()) {
        static_cast<void>(walk(std::move(*tables), ByteCount{1ULL << 30U}));
    } else {
        require_sound(tables.error());
    }
}

/// Bytes at the start and at the end of a dump, with nothing between.
inline void walk_dump(ByteView front, ByteView back)
{
    constexpr ByteCount between{16ULL << 20U};
    const auto dump = io::make_concat({io::make_memory(copied(front), "front"), std::make_shared<Zeros>(between),
                                       io::make_memory(copied(back), "back")},
                                      "dump")
                          .unwrap();
    auto tables = partition::find_tables_in_dump(*dump, "dump");
    require(tables.has_value());
    static_cast<void>(walk(std::move(*tables), dump->size()));
}

} // namespace salvage::fuzz

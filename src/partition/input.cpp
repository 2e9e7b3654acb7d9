// Reading for probes, and their answers.
#include "input.hpp"

#include <utility>

#include <fmt/format.h>

namespace salvage::partition {

Result<std::optional<Bytes>> read_if_readable(const Input& input, ByteOffset at, ByteCount count)
{
    if (at.value >= input.size().value) {
        return std::optional{Bytes{}};
    }
    auto bytes = io::read_up_to(*input.source, at, count);
    if (bytes.has_value()) {
        return std::optional{std::move(bytes).unwrap()};
    }
    if (bytes.error().code == ErrorCode::unreadable) {
        return std::optional<Bytes>{};
    }
    return std::move(bytes).error();
}

ProbeResult found(Table table)
{
    return {.kind = ProbeResult::Kind::mine, .damage = std::nullopt, .table = std::move(table)};
}

ProbeResult found_damaged(Table table, Error damage)
{
    return {.kind = ProbeResult::Kind::damaged, .damage = std::move(damage), .table = std::move(table)};
}

Table make_table(std::string_view kind, std::string_view path)
{
    Table out;
    out.kind = kind;
    out.path = path;
    return out;
}

Partition make_partition(std::string_view name, std::string_view source)
{
    Partition out;
    out.name = name;
    out.source = source;
    out.role = role_of(name);
    return out;
}

std::string unnamed(std::size_t number)
{
    return fmt::format("unnamed-{}", number);
}

} // namespace salvage::partition

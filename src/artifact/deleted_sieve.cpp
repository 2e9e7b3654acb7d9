#include "artifact/deleted_sieve.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace salvage::artifact {
namespace {

std::uint64_t mixed(std::uint64_t hash, std::uint64_t more) noexcept
{
    constexpr std::uint64_t prime = 0x9E37'79B9'7F4A'7C15U;
    return std::rotl((hash ^ more) * prime, 29);
}

/// The same for a whole number and for a real one that is as large: how a number is stored says nothing.
std::uint64_t hash_of(const Value& value)
{
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return std::hash<std::string_view>{}(*text);
    }
    if (const auto* const blob = std::get_if<Bytes>(&value)) {
        return std::hash<std::string_view>{}(as_text(*blob)) + 1;
    }
    if (const auto* const whole_number = std::get_if<std::int64_t>(&value)) {
        return std::hash<double>{}(static_cast<double>(*whole_number)) + 2;
    }
    const auto* const real = std::get_if<double>(&value);
    return real == nullptr ? 3 : std::hash<double>{}(*real) + 2;
}

bool is_same_value(const Value& left, const Value& right)
{
    if (left == right) {
        return true;
    }
    const bool are_numbers = (left.index() == 1 || left.index() == 2) && (right.index() == 1 || right.index() == 2);
    return are_numbers && left.index() != right.index() && to_real(left) == to_real(right);
}

bool is_begin_of(const Value& begin, const Value& all)
{
    if (const auto* const text = std::get_if<std::string>(&begin)) {
        const auto* const other = std::get_if<std::string>(&all);
        return other != nullptr && other->starts_with(*text);
    }
    const auto* const blob = std::get_if<Bytes>(&begin);
    const auto* const other = std::get_if<Bytes>(&all);
    return blob != nullptr && other != nullptr && as_text(*other).starts_with(as_text(*blob));
}

} // namespace

DeletedSieve::DeletedSieve(std::vector<RecoveredRow>& rows, const TableShape& shape, std::uint64_t& work)
    : rows_{&rows}, shape_{&shape}, work_{&work}
{
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].table == shape.name) {
            add(i);
        }
    }
}

void DeletedSieve::drop_live(const Row& row)
{
    drop(row.values, row.rowid, shape_->fields.size(), 0, nullptr);
    const auto [first, last] = by_rowid_.equal_range(row.rowid.value_or(0));
    for (auto found = first; found != last && row.rowid; ++found) {
        (*rows_)[found->second].is_replaced = true;
    }
}

void DeletedSieve::drop_twins()
{
    std::ranges::sort(order_, {}, [&](std::size_t index) { return std::pair{(*rows_)[index].confidence, index}; });
    std::vector<std::size_t> rank(rows_->size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
        rank[order_[i]] = i;
    }
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const auto& row = (*rows_)[order_[i]];
        if (!is_dropped(order_[i])) {
            drop(row.values, row.rowid, known_fields(row), i + 1, &rank);
        }
    }
}

void DeletedSieve::add(std::size_t index)
{
    const auto& row = (*rows_)[index];
    const auto length = known_fields(row);
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < length; ++i) {
        hash = with_field(hash, i, row.values[i]);
    }
    lengths_.insert(length);
    by_begin_.emplace(mixed(hash, length), index);
    order_.push_back(index);
    if (row.rowid) {
        by_rowid_.emplace(*row.rowid, index);
    }
}

std::size_t DeletedSieve::known_fields(const RecoveredRow& row) const
{
    std::size_t out = 0;
    while (out < row.states.size() && (row.states[out] == ValueState::whole || shape_->fields[out].is_rowid)) {
        ++out;
    }
    return out;
}
std::uint64_t DeletedSieve::with_field(std::uint64_t hash, std::size_t field, const Value& value) const
{
    return shape_->fields[field].is_rowid ? hash : mixed(hash, hash_of(value));
}

void DeletedSieve::drop(std::span<const Value> values, std::optional<std::int64_t> rowid, std::size_t known,
                        std::size_t first_rank, const std::vector<std::size_t>* rank)
{
    std::uint64_t hash = 0;
    std::size_t done = 0;
    for (const auto length : lengths_) {
        if (length > known) {
            break;
        }
        for (; done < length; ++done) {
            hash = with_field(hash, done, values[done]);
        }
        const auto [first, last] = by_begin_.equal_range(mixed(hash, length));
        for (auto found = first; found != last && *work_ > 0; ++found) {
            --*work_;
            const auto index = found->second;
            if ((rank == nullptr || (*rank)[index] >= first_rank) && !dropped_.contains(index) &&
                is_covered((*rows_)[index], values, rowid, known)) {
                dropped_.insert(index);
            }
        }
    }
}

bool DeletedSieve::is_covered(const RecoveredRow& row, std::span<const Value> values, std::optional<std::int64_t> rowid,
                              std::size_t known) const
{
    if (row.rowid && rowid && *row.rowid != *rowid) {
        return false;
    }
    for (std::size_t i = 0; i < row.values.size(); ++i) {
        const bool is_same =
            row.states[i] == ValueState::lost || shape_->fields[i].is_rowid ||
            (i < known && (row.states[i] == ValueState::part ? is_begin_of(row.values[i], values[i])
                                                             : is_same_value(row.values[i], values[i])));
        if (!is_same) {
            return false;
        }
    }
    return true;
}

} // namespace salvage::artifact

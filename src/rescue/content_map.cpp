// Summing up blocks and extents.
#include "salvage/rescue/content_map.hpp"

#include <algorithm>

#include "salvage/rescue/inspect.hpp"

namespace salvage::rescue {
namespace {

Content kind_of(const scan::BlockSummary& block) noexcept
{
    const auto entropy = static_cast<double>(block.entropy);
    if (block.is_zero) {
        return Content::zero;
    }
    if (entropy < 0) {
        return Content::unmeasured;
    }
    if (entropy < looks_empty_below) {
        return Content::zero;
    }
    return entropy >= looks_encrypted_from ? Content::encrypted : Content::plain;
}

} // namespace

ByteCount Mixture::total() const noexcept
{
    ByteCount out;
    for (const auto count : bytes) {
        out = out + count;
    }
    return out;
}

void Mixture::add(Content kind, ByteCount more) noexcept
{
    auto& known = bytes.at(static_cast<std::size_t>(kind));
    known = known + more;
}

Content Mixture::main_kind() const noexcept
{
    return static_cast<Content>(std::ranges::max_element(bytes) - bytes.begin());
}

ContentMap::ContentMap(const scan::ScanResult& scan)
    : range_{scan.range}, block_{std::max<std::uint64_t>(scan.block.value, 1)}
{
    entropies_.reserve(scan.blocks.size());
    for (const auto& block : scan.blocks) {
        entropies_.push_back(block.entropy);
    }
    auto at = range_.start();
    for (const auto& extent : scan.extents) {
        const auto part = extent.range.intersection(ByteRange::between(at, range_.end()));
        if (part.is_empty()) {
            continue;
        }
        add_data(scan, at, part.start());
        switch (extent.kind) {
        case io::ExtentKind::data: add_data(scan, part.start(), part.end()); break;
        case io::ExtentKind::hole: add(part.end(), Content::hole); break;
        case io::ExtentKind::unreadable: add(part.end(), Content::unreadable); break;
        }
        at = part.end();
    }
    add_data(scan, at, range_.end());
}

void ContentMap::add(ByteOffset end, Content kind)
{
    if (!pieces_.empty() && pieces_.back().kind == kind) {
        pieces_.back().end = end;
        return;
    }
    pieces_.push_back({.end = end, .kind = kind});
}

void ContentMap::add_data(const scan::ScanResult& scan, ByteOffset start, ByteOffset end)
{
    while (start < end) {
        const auto index = (start - range_.start()).value / block_.value;
        if (index >= scan.blocks.size()) {
            add(end, Content::unmeasured);
            return;
        }
        const auto left = ((index + 1) * block_.value) - (start - range_.start()).value;
        const auto block_end = start + ByteCount{std::min(left, (end - start).value)};
        add(block_end, kind_of(scan.blocks[static_cast<std::size_t>(index)]));
        start = block_end;
    }
}

double ContentMap::entropy_of(ByteRange range) const
{
    const auto first = (range.start() - range_.start()).value / block_.value;
    const auto last = ((range.end() - range_.start()).value + block_.value - 1) / block_.value;
    double sum = 0;
    std::uint64_t measured = 0;
    for (auto i = first; i < std::min<std::uint64_t>(last, entropies_.size()); ++i) {
        const auto entropy = static_cast<double>(entropies_[static_cast<std::size_t>(i)]);
        if (entropy >= 0) {
            sum += entropy;
            ++measured;
        }
    }
    return measured == 0 ? -1 : sum / static_cast<double>(measured);
}

Mixture ContentMap::mixture(ByteRange range) const
{
    Mixture out;
    out.range = range.intersection(range_);
    if (out.range.is_empty()) {
        return out;
    }
    auto at = out.range.start();
    auto piece = std::ranges::upper_bound(pieces_, at, {}, &Piece::end);
    for (; piece != pieces_.end() && at < out.range.end(); ++piece) {
        const auto end = std::min(piece->end, out.range.end());
        out.add(piece->kind, end - at);
        at = end;
    }
    out.entropy = entropy_of(out.range);
    return out;
}

std::vector<Mixture> ContentMap::cells(ByteRange range, std::size_t most) const
{
    std::vector<Mixture> out;
    const auto shown = range.intersection(range_);
    if (shown.is_empty() || most == 0) {
        return out;
    }
    const auto blocks = ((shown.size().value - 1) / block_.value) + 1;
    const ByteCount cell{block_.value * (((blocks - 1) / most) + 1)};
    for (auto at = shown.start(); at < shown.end();) {
        const auto end = at + std::min(cell, shown.end() - at);
        out.push_back(mixture(ByteRange::between(at, end)));
        at = end;
    }
    return out;
}

} // namespace salvage::rescue

// Naming files and writing their lines.  See docs/formats/export-manifest.md.
#include "rescue/export_batch.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/export_listings.hpp"
#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// Making each file durable by itself costs a disk's seek or two.
constexpr std::size_t batch_files = 256;
constexpr ByteCount batch_bytes{64ULL << 20U};

} // namespace

void use_substitute(TreePlace& place, const std::string& path, const filesystem::Entry& entry, ExportReport& report)
{
    place.name = fmt::format("_inode_{}", entry.inode);
    report.failed.push_back({.path = path,
                             .reason = fmt::format("its name cannot be used here; it was written as {}", place.path()),
                             .lost = {},
                             .is_partial = true});
}

bool is_about_the_name(const Error& error) noexcept
{
    return error.code == ErrorCode::already_exists || error.code == ErrorCode::invalid_argument;
}

Result<ExportLists> ExportLists::begin(const std::filesystem::path& folder, std::string_view source)
{
    auto manifest = SALVAGE_TRY(io::OutputFile::create(folder / manifest_name));
    auto sums = SALVAGE_TRY(io::OutputFile::create(folder / sums_name));
    auto body = SALVAGE_TRY(io::OutputFile::create(folder / body_name));
    auto dfxml = SALVAGE_TRY(io::OutputFile::create(folder / dfxml_name));
    ExportLists lists{TextFile{std::move(manifest)}, TextFile{std::move(sums)}, TextFile{std::move(body)},
                      TextFile{std::move(dfxml)}};
    SALVAGE_TRY(lists.dfxml.append(dfxml_head(source)));
    return lists;
}

ExportBatch::ExportBatch(TargetTree& tree, ExportReport& report, Journal journal, ExportLists lists)
    : tree_{&tree}, report_{&report}, journal_{std::move(journal)}, lists_{std::move(lists)}
{
}

Result<> ExportBatch::push(PendingEntry entry)
{
    if (entry.line.entry.links > 1 && entry.line.entry.type == filesystem::EntryType::file) {
        inodes_.insert(entry.line.entry.inode);
    }
    if (entry.file) {
        bytes_ = bytes_ + entry.line.entry.size;
    }
    entries_.push_back(std::move(entry));
    return entries_.size() < batch_files && bytes_ < batch_bytes ? Result<>{} : finish();
}

Result<> ExportBatch::finish()
{
    if (std::ranges::any_of(entries_, [](const PendingEntry& one) { return one.file.has_value(); })) {
        SALVAGE_TRY(tree_->flush());
    }
    std::string journal;
    std::string manifest;
    std::string sums;
    std::string body;
    std::string dfxml;
    for (auto& pending : entries_) {
        if (pending.file) {
            SALVAGE_TRY(name(pending));
        }
        const auto line = to_line(to_json(pending.line));
        manifest += line;
        body += body_line(pending.line);
        dfxml += dfxml_object(pending.line);
        if (pending.line.entry.type != filesystem::EntryType::file || !pending.line.stored) {
            continue;
        }
        count(pending);
        if (!pending.line.stored_sha256.empty()) {
            sums += sums_line(pending.line.stored_sha256, *pending.line.stored);
        }
        journal += pending.is_new ? line : std::string{};
    }
    entries_.clear();
    inodes_.clear();
    bytes_ = {};
    SALVAGE_TRY(journal_.append(journal));
    SALVAGE_TRY(lists_.sums.append(sums));
    SALVAGE_TRY(lists_.body.append(body));
    SALVAGE_TRY(lists_.dfxml.append(dfxml));
    return lists_.manifest.append(manifest);
}

Result<> ExportBatch::commit()
{
    SALVAGE_TRY(lists_.dfxml.append(std::string{dfxml_tail()}));
    SALVAGE_TRY(lists_.dfxml.commit());
    SALVAGE_TRY(lists_.body.commit());
    SALVAGE_TRY(lists_.sums.commit());
    return lists_.manifest.commit();
}

const FinishedFile* ExportBatch::first_name(std::uint64_t inode) const
{
    const auto found = links_.find(inode);
    return found == links_.end() ? nullptr : &found->second;
}

void ExportBatch::count(const PendingEntry& entry)
{
    const auto& line = entry.line;
    ++report_->files;
    if (line.link_of.empty()) {
        report_->bytes = report_->bytes + line.entry.size;
    }
    if (line.entry.links > 1 && !line.stored_sha256.empty()) {
        links_.try_emplace(line.entry.inode, FinishedFile{.stored = *line.stored,
                                                          .size = line.entry.size.value,
                                                          .mtime = {},
                                                          .lost = line.lost,
                                                          .stored_sha256 = line.stored_sha256});
    }
}

Result<> ExportBatch::name(PendingEntry& entry)
{
    auto named = tree_->finish(*entry.file, entry.place);
    if (!named.has_value() && named.error().code == ErrorCode::invalid_argument) {
        use_substitute(entry.place, entry.line.path, entry.line.entry, *report_);
        entry.line.stored = entry.place.path();
        named = tree_->finish(*entry.file, entry.place);
    }
    if (named.has_value()) {
        return {};
    }
    if (!is_about_the_name(named.error())) {
        return named;
    }
    // The same content is there when a run was killed between naming a file and writing that down.
    const auto sum = tree_->sha256_of(entry.place);
    tree_->drop(*entry.file);
    if (sum.has_value() && *sum == entry.line.stored_sha256) {
        return {};
    }
    entry.line.stored.reset();
    entry.line.problem = "something else has its name in the folder: " + to_string(named.error());
    entry.line.lost = entry.line.entry.size;
    report_->failed.push_back(
        {.path = entry.line.path, .reason = entry.line.problem, .lost = entry.line.entry.size, .is_partial = false});
    return {};
}

} // namespace salvage::rescue

// An ext volume ready to be read: the best copy of its superblock, the journal replayed in an overlay.
#include "volume.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"
#include "salvage/core/text.hpp"
#include "salvage/filesystem/jbd2.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem::ext {
namespace {

/// A journal has 1 GiB at most with blocks of 4 KiB and mke2fs's own choice, 128 MiB on phones.
constexpr ByteCount max_overlay{2ULL << 30U};
/// Each costs a reading of all descriptors, as many as a hostile volume claims.
constexpr std::size_t max_backups_tried = 8;
constexpr std::uint16_t state_has_errors = 2;

/// A copy of superblock and group descriptors to start from.
struct Candidate {
    Superblock superblock;
    StartFrom start;
    std::optional<std::uint32_t> group; ///< of a backup
};

struct Opened {
    std::unique_ptr<const Library> library;
    Health health;
    std::optional<Error> root_damage;

    /// Better than another copy of the same filesystem.
    [[nodiscard]] bool is_better_than(const Opened& other) const noexcept
    {
        return std::pair{root_damage.has_value(), health.bad_groups()} <
               std::pair{other.root_damage.has_value(), other.health.bad_groups()};
    }
    [[nodiscard]] bool is_whole() const noexcept { return !root_damage && health.bad_groups() == 0; }
};

Error no_root(const io::ByteSource& source, std::string why)
{
    return Error{ErrorCode::malformed,
                 "the ext filesystem has no root directory",
                 std::move(why),
                 source.locate(ByteOffset{0}),
                 {},
                 {}};
}

/// Opens and looks at the root directory: numbers can be in order and lead nowhere.
Result<Opened> try_candidate(const io::SourcePtr& source, const Candidate& candidate)
{
    Opened out{.library = SALVAGE_TRY(Library::open(source, candidate.start)), .health = {}, .root_damage = {}};
    const auto bytes = out.library->read_inode(root_inode);
    if (!bytes.has_value()) {
        if (bytes.error().code == ErrorCode::io) {
            return bytes.error();
        }
        out.root_damage = bytes.error();
    } else if (const auto root = parse_inode(root_inode, *bytes); !root.is_directory()) {
        out.root_damage = no_root(*source, fmt::format("inode 2 has mode {:#o}", root.mode));
    }
    out.health = out.library->check_health();
    return out;
}

struct Choice {
    Candidate candidate;
    Opened opened;
};

/// Takes the candidate where it is better than the best so far; what is wrong with it is the reason, if there was none.
void consider(const io::SourcePtr& source, Candidate candidate, std::optional<Choice>& best,
              std::optional<Error>& why_not)
{
    auto opened = try_candidate(source, candidate);
    const auto* const damage = !opened.has_value()               ? &opened.error()
                               : opened->root_damage.has_value() ? &*opened->root_damage
                                                                 : nullptr;
    if (damage != nullptr && !why_not) {
        why_not = *damage;
    }
    if (opened.has_value() && (!best || opened->is_better_than(best->opened))) {
        best = Choice{.candidate = std::move(candidate), .opened = std::move(*opened)};
    }
}

/// The primary if it is in order; else the copy with the fewest bad descriptors, the primary first among equals.
Result<Choice> choose(const io::SourcePtr& source, const std::optional<Superblock>& primary,
                      std::optional<Error>& why_not)
{
    std::optional<Choice> best;
    if (primary) {
        consider(source, {.superblock = *primary, .start = {}, .group = {}}, best, why_not);
    }
    if (best && best->opened.is_whole()) {
        return std::move(*best);
    }
    auto backups = find_backups(*source);
    backups.resize(std::min(backups.size(), max_backups_tried));
    for (auto& backup : backups) {
        if (best && best->candidate.group && best->opened.is_whole()) {
            break;
        }
        const StartFrom start{.superblock_block = backup.block, .block_bytes = backup.superblock.block_bytes};
        consider(source, {.superblock = std::move(backup.superblock), .start = start, .group = backup.group}, best,
                 why_not);
    }
    if (best) {
        return std::move(*best);
    }
    return *why_not; // each copy that was tried left a reason, and without any there was one before
}

void report_choice(const Choice& choice, const std::optional<Error>& why_not, const io::ByteSource& source,
                   std::vector<Finding>& findings)
{
    const auto& health = choice.opened.health;
    if (choice.candidate.group) {
        auto out =
            make_finding("ext-backup-superblock", Severity::warning,
                         fmt::format("the superblock or group descriptors at the start are damaged; those of group {} "
                                     "were used{}",
                                     *choice.candidate.group, why_not ? ": " + why_not->what : ""));
        out.where.offset =
            ByteOffset{choice.candidate.start.superblock_block * choice.candidate.superblock.block_bytes};
        out.numbers = {{"group", *choice.candidate.group}, {"block", choice.candidate.start.superblock_block}};
        findings.push_back(std::move(out));
    }
    if (!health.is_superblock_checksum_right) {
        findings.push_back(make_finding("ext-superblock-checksum", Severity::warning,
                                        "the checksum of the superblock is wrong; its values were used as they are"));
    }
    if (health.bad_groups() != 0) {
        auto out =
            make_finding("ext-group-descriptors", Severity::warning,
                         fmt::format("{} of {} group descriptors are damaged; files of those groups may be missing",
                                     health.bad_groups(), choice.candidate.superblock.groups));
        out.numbers = {{"wrong_checksum", health.groups_with_wrong_checksum},
                       {"out_of_range", health.groups_out_of_range}};
        findings.push_back(std::move(out));
    }
    if ((choice.candidate.superblock.state & state_has_errors) != 0) {
        findings.push_back(make_finding("ext-errors", Severity::note,
                                        "the phone had noticed errors in this filesystem and marked it for a check"));
    }
    if (const auto size = choice.candidate.superblock.size(); size > source.size()) {
        auto out = make_finding("ext-cut", Severity::warning,
                                fmt::format("the filesystem has {}, only {} are here; what lies beyond cannot be read",
                                            format_size_exact(size), format_size_exact(source.size())));
        out.numbers = {{"filesystem_bytes", size.value}, {"present_bytes", source.size().value}};
        findings.push_back(std::move(out));
    }
}

/// Inode of the journal: its own, or where that is not usable the copy in the superblock.
Result<Inode> journal_inode(const Volume& volume)
{
    auto own = volume.inode(volume.superblock.journal_inode);
    if (own.has_value() && own->type() == EntryType::file && own->size != 0) {
        return own;
    }
    if (!volume.superblock.journal_inode_copy) {
        return own.has_value() ? malformed({}, "the inode of the journal is no file") : std::move(own).error();
    }
    const ByteView copy{*volume.superblock.journal_inode_copy};
    Inode out;
    out.number = volume.superblock.journal_inode;
    out.mode = 0100600;
    std::ranges::copy(copy.first(out.block.size()), out.block.begin());
    // Which kind of map it is tells the magic of an extent tree; an old block number of that value is no journal's.
    out.flags = load_le<std::uint16_t>(copy) == 0xF30A ? inode_flag::extents : 0;
    out.size = load_le<std::uint32_t>(copy.subspan(64)) | std::uint64_t{load_le<std::uint32_t>(copy.subspan(60))}
                                                              << 32U;
    return out;
}

/// The superblock's flag is taken back in the overlay, so that whoever reads the view sees a clean filesystem.
Result<> clear_needs_recovery(const io::ByteSource& view, io::Overlay& overlay)
{
    constexpr std::size_t incompat_at = 0x60;
    constexpr std::size_t ro_compat_at = 0x64;
    constexpr std::size_t checksum_at = 0x3FC;
    auto bytes = SALVAGE_TRY(io::read_bytes(view, primary_superblock_at, superblock_bytes));
    if (!has_ext_magic(bytes)) {
        return {}; // opened from a backup, which does not carry the flag
    }
    const auto incompat = load_le<std::uint32_t>(ByteView{bytes}.subspan(incompat_at)) & ~feature::needs_recovery;
    store_le(std::span{bytes}.subspan(incompat_at), incompat);
    if ((load_le<std::uint32_t>(ByteView{bytes}.subspan(ro_compat_at)) & feature::metadata_csum) != 0) {
        store_le(std::span{bytes}.subspan(checksum_at), crc32c(~0U, ByteView{bytes}.first(checksum_at)));
    }
    return overlay.write_at(primary_superblock_at, bytes);
}

Finding replayed(const JournalReport& report)
{
    const auto count = report.transactions == 1 ? "1 transaction" : fmt::format("{} transactions", report.transactions);
    const auto what = report.transactions == 0
                          ? std::string{"its journal holds nothing that could be replayed"}
                          : fmt::format("{} of the journal were replayed, {} blocks; the source was not changed", count,
                                        report.blocks_written);
    auto out = make_finding("ext-journal-replayed", Severity::note, "the phone was not shut down cleanly: " + what);
    out.numbers = {{"transactions", report.transactions},
                   {"blocks", report.blocks_written},
                   {"revoked", report.blocks_revoked},
                   {"first_sequence", report.first_sequence}};
    return out;
}

void report_replay(const JournalReport& report, std::vector<Finding>& findings)
{
    findings.push_back(replayed(report));
    if (report.stopped) {
        auto out =
            make_finding("ext-journal-damaged", Severity::warning,
                         fmt::format("the journal is damaged behind transaction {} of the replayed ones; later changes "
                                     "are missing: {} ({})",
                                     report.transactions, report.stopped->what, report.stopped->why));
        if (report.stopped->where && !report.stopped->where->chain.empty()) {
            out.where.source = report.stopped->where->chain.back().source;
            out.where.offset = report.stopped->where->chain.back().at;
        }
        findings.push_back(std::move(out));
    }
    if (report.has_fast_commits) {
        findings.push_back(make_finding("ext-fast-commits", Severity::warning,
                                        "the last seconds before the phone stopped lie in fast commits, which are not "
                                        "replayed: files written then may be missing or old"));
    }
}

Finding not_replayed(std::string_view why)
{
    return make_finding(
        "ext-journal-not-replayed", Severity::warning,
        fmt::format("the journal has changes that could not be replayed, so recent files may be missing or "
                    "damaged: {}",
                    why));
}

/// The volume over an overlay with the journal in it; nothing where there was nothing to replay.
Result<std::optional<JournalReport>> replay(Volume& volume, bool is_flagged)
{
    const auto journal = SALVAGE_TRY(volume.journal());
    const JournaledVolume target{.block_bytes = volume.superblock.block_bytes, .blocks = volume.superblock.blocks};
    const auto state = SALVAGE_TRY(probe_journal(*journal, target));
    if (!state.is_dirty && !is_flagged) {
        return std::optional<JournalReport>{};
    }
    const auto overlay = io::make_overlay(volume.source, max_overlay);
    auto report = SALVAGE_TRY(replay_journal(*journal, target, *overlay));
    SALVAGE_TRY(clear_needs_recovery(*overlay->view(), *overlay));
    volume.source = overlay->view();
    return std::optional{std::move(report)};
}

struct Reopened {
    Superblock superblock;
    Opened opened;
};

/// The journal may have brought another superblock: it is looked at as the first one was.
Result<Reopened> reopen(const Volume& volume, const Candidate& candidate)
{
    const auto at = candidate.group ? ByteOffset{candidate.start.superblock_block * candidate.superblock.block_bytes}
                                    : primary_superblock_at;
    const auto bytes = SALVAGE_TRY(io::read_bytes(*volume.source, at, superblock_bytes));
    auto superblock = SALVAGE_TRY(io::lifted(parse_superblock(bytes), *volume.source, at));
    if (superblock.size() != candidate.superblock.size() ||
        superblock.block_bytes != candidate.superblock.block_bytes) {
        return unsupported("the journal changes the size of the filesystem",
                           fmt::format("from {} to {}", format_size_exact(candidate.superblock.size()),
                                       format_size_exact(superblock.size())));
    }
    auto opened = SALVAGE_TRY(try_candidate(volume.source, candidate));
    if (opened.root_damage && !volume.root_damage) {
        return std::move(*opened.root_damage);
    }
    return Reopened{.superblock = std::move(superblock), .opened = std::move(opened)};
}

/// Replays where the flag asks for it; a backup superblock has no flag, there the journal itself is asked.
Result<> replay_if_needed(Volume& volume, const Candidate& candidate)
{
    const bool is_flagged = volume.superblock.has_incompat(feature::needs_recovery);
    const bool has_journal = volume.superblock.has_compat(feature::has_journal);
    if (!is_flagged && !(candidate.group && has_journal)) {
        return {};
    }
    if (volume.superblock.journal_inode == 0) {
        if (is_flagged) {
            volume.findings.push_back(not_replayed("the journal lies on another device"));
        }
        return {};
    }
    const auto before = volume.source;
    const auto report = replay(volume, is_flagged);
    if (!report.has_value()) {
        volume.findings.push_back(not_replayed(fmt::format("{} ({})", report.error().what, report.error().why)));
        return {};
    }
    if (!*report) {
        return {};
    }
    auto reopened = reopen(volume, candidate);
    if (!reopened.has_value()) {
        volume.source = before;
        volume.findings.push_back(
            not_replayed("with it the filesystem can no longer be opened: " + reopened.error().what));
        return {};
    }
    report_replay(**report, volume.findings);
    volume.superblock = std::move(reopened->superblock);
    volume.library = std::move(reopened->opened.library);
    volume.root_damage = std::move(reopened->opened.root_damage);
    return {};
}

} // namespace

Result<Inode> Volume::inode(std::uint64_t number) const
{
    if (number > std::numeric_limits<std::uint32_t>::max()) {
        return not_found("there is no such inode", fmt::format("inode {} was asked for", number));
    }
    const auto narrow = static_cast<std::uint32_t>(number);
    auto out = parse(narrow, SALVAGE_TRY(library->read_inode(narrow)));
    if (!out.is_in_use()) {
        return not_found("the inode is not in use", fmt::format("inode {}", number));
    }
    return out;
}

Inode Volume::parse(std::uint32_t number, ByteView bytes) const
{
    auto out = parse_inode(number, bytes);
    if (out.is_directory() && !superblock.has_incompat(feature::largedir)) {
        out.size &= 0xFFFFFFFFU;
    }
    out.is_doubtful = superblock.has_checksums() && !inode_checksums(superblock, number, bytes).agree();
    return out;
}

std::optional<std::uint32_t> Volume::checksum_seed(const Inode& inode) const noexcept
{
    if (!superblock.has_checksums()) {
        return std::nullopt;
    }
    return checksum_seed_of(superblock, inode.number, inode.generation);
}

Result<ContentMap> Volume::map_of(const Inode& inode) const
{
    return map_content(*source, shape(), inode, {.checksum_seed = checksum_seed(inode), .read_node = {}});
}

Result<io::SourcePtr> Volume::blocks_of(const Inode& inode) const
{
    auto map = SALVAGE_TRY(map_of(inode));
    return make_content(source, shape(), std::move(map), ByteCount{inode.size}, fmt::format("inode {}", inode.number));
}

std::optional<Location> Volume::place_of(std::uint32_t number) const
{
    const auto group = (number - 1) / superblock.inodes_per_group;
    if (number == 0 || group >= superblock.groups) {
        return std::nullopt;
    }
    const auto table = library->group(group).inode_table;
    if (table >= superblock.blocks) {
        return std::nullopt;
    }
    const auto within = std::uint64_t{(number - 1) % superblock.inodes_per_group} * superblock.inode_bytes;
    return source->locate(ByteOffset{table * superblock.block_bytes + within});
}

Result<io::SourcePtr> Volume::journal() const
{
    if (!superblock.has_compat(feature::has_journal) || superblock.journal_inode == 0) {
        return not_found("the filesystem has no journal of its own");
    }
    return blocks_of(SALVAGE_TRY(journal_inode(*this)));
}

Result<Volume> open_volume(const io::SourcePtr& source, const std::optional<Superblock>& primary,
                           std::optional<Error> why_not)
{
    auto choice = SALVAGE_TRY(choose(source, primary, why_not));
    Volume out;
    report_choice(choice, why_not, *source, out.findings);
    out.superblock = choice.candidate.superblock;
    out.source = SALVAGE_TRY(io::make_subrange_or_missing(source, ByteRange::first(out.superblock.size()),
                                                          std::string{out.superblock.kind()}));
    out.library = std::move(choice.opened.library);
    out.root_damage = std::move(choice.opened.root_damage);
    SALVAGE_TRY(replay_if_needed(out, choice.candidate));
    return out;
}

} // namespace salvage::filesystem::ext

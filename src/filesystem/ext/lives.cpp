// The lives of inodes: each file that a number stood for, as table and journal tell.
#include "lives.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "orphans.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint16_t kind_bits = 0xF000;

bool is_life_of(const Life& life, const Inode& inode) noexcept
{
    return life.generation == inode.generation && life.kind == (inode.mode & kind_bits) &&
           life.created == (inode.created ? inode.created->seconds : 0);
}

Life new_life(const Inode& inode, std::int32_t age)
{
    Life out;
    out.number = inode.number;
    out.generation = inode.generation;
    out.created = inode.created ? inode.created->seconds : 0;
    out.kind = inode.mode & kind_bits;
    out.first_age = age;
    out.last_age = age;
    return out;
}

/// True where an inode without links still says where its content is.
bool holds_content(const Inode& inode) noexcept
{
    if (inode.size == 0) {
        return false;
    }
    const ByteView block{inode.block};
    if (inode.has(inode_flag::extents)) {
        return load_le<std::uint16_t>(block.subspan(2)) != 0; // entries
    }
    return !is_all_zero(block);
}

/// In the list of orphans the field is the number of the next one; no file was deleted so soon after 1970.
std::uint32_t time_of_deletion(const Volume& volume, const Inode& inode) noexcept
{
    return inode.deleted <= volume.superblock.inodes ? 0 : inode.deleted;
}

/// Files of the filesystem's own: the journal, quota, values of attributes.
bool is_internal(const Volume& volume, const Inode& inode) noexcept
{
    return (inode.number < volume.superblock.first_inode && inode.number != root_inode) ||
           inode.number == volume.superblock.orphan_file || inode.has(inode_flag::ea_inode);
}

bool can_be_deleted(const Volume& volume, const Inode& inode) noexcept
{
    return inode.type() != EntryType::unknown && !is_internal(volume, inode);
}

/// Lives of the inodes of one block of the table, from its copies in the log, the oldest first.
class BlockLives {
public:
    BlockLives(const Volume& volume, const InodeTables& tables) : volume_{volume}, tables_{tables} {}

    void take(std::uint32_t first, const LoggedCopy& copy, ByteView block)
    {
        const std::size_t inode_bytes = volume_.superblock.inode_bytes;
        for (std::uint32_t i = 0; i < tables_.inodes_per_block(); ++i) {
            const auto bytes = block.subspan(i * inode_bytes, inode_bytes);
            if (load_le<std::uint16_t>(bytes) == 0) {
                continue;
            }
            const auto inode = volume_.parse(first + i, bytes);
            if (!inode.is_doubtful && can_be_deleted(volume_, inode)) {
                note(inode, copy);
            }
        }
    }

    std::map<std::uint32_t, std::vector<Life>> by_number;

private:
    void note(const Inode& inode, const LoggedCopy& copy)
    {
        auto& lives = by_number[inode.number];
        auto life = std::ranges::find_if(lives, [&](const Life& known) { return is_life_of(known, inode); });
        if (life == lives.end()) {
            if (lives.size() == max_lives_of_number) {
                lives.erase(lives.begin());
                lives.front().has_predecessors = true;
            }
            lives.push_back(new_life(inode, copy.age));
            life = lives.end() - 1;
        }
        const Origin origin{.kind = Origin::Kind::log, .copy = copy};
        if (inode.links != 0) {
            life->alive = origin;
            life->last_age = copy.age;
            life->deleted = 0;
            return;
        }
        life->deleted = time_of_deletion(volume_, inode);
        if (holds_content(inode)) {
            life->dead = origin;
        }
    }

    const Volume& volume_;
    const InodeTables& tables_;
};

void sort_lives(std::vector<Life>& lives)
{
    std::ranges::sort(lives, {}, [](const Life& life) {
        return std::tuple{life.number, life.first_age, life.generation, life.created, life.kind};
    });
}

Result<std::vector<Life>> lives_in_log(const Volume& volume, const InodeTables& tables, const History& history,
                                       const RunContext& context)
{
    std::vector<Life> out;
    const auto copies = history.copies();
    for (auto at = copies.begin(); at != copies.end();) {
        const auto end = std::ranges::upper_bound(at, copies.end(), at->on_volume, {}, &LoggedCopy::on_volume);
        const auto first = tables.first_inode_in(at->on_volume);
        if (!first) {
            at = end;
            continue;
        }
        BlockLives lives{volume, tables};
        for (; at != end; ++at) {
            if (context.is_stopped()) {
                return cancelled("reading the journal for deleted files");
            }
            const auto block = history.read(*at);
            if (block.has_value()) {
                lives.take(*first, *at, *block);
            } else if (block.error().code == ErrorCode::io) {
                return block.error();
            }
        }
        for (auto& [number, of_number] : lives.by_number) {
            if (out.size() + of_number.size() > max_lives) {
                break;
            }
            std::ranges::move(of_number, std::back_inserter(out));
        }
    }
    sort_lives(out);
    return out;
}

} // namespace

/// Of an inode as the table has it: which of its lives goes on, and dead ones that the log does not know.
void Lives::settle(const Volume& volume, const Inode& inode, bool is_orphan, std::vector<Life>& more)
{
    const std::span known{std::ranges::equal_range(lives_, inode.number, {}, &Life::number)};
    for (auto& life : known) {
        life.is_settled = true;
    }
    const auto same = std::ranges::find_if(known, [&](const Life& life) { return is_life_of(life, inode); });
    if (inode.is_alive()) {
        alive_.push_back(inode.number);
        if (same != known.end()) {
            same->lives = true;
            same->is_current = true;
        }
        return;
    }
    if (same == known.end() && lives_.size() + more.size() >= max_lives) {
        return;
    }
    auto& life = same != known.end() ? *same : more.emplace_back(new_life(inode, 0));
    life.is_settled = true;
    life.is_current = true;
    life.is_orphan = is_orphan;
    life.deleted = is_orphan ? 0 : time_of_deletion(volume, inode);
    if (holds_content(inode) && (is_orphan || !life.alive.is_known())) {
        life.dead = {.kind = Origin::Kind::table, .copy = {}};
        life.alive = is_orphan ? Origin{} : life.alive;
    }
}

Result<Lives> Lives::collect(const Volume& volume, const InodeTables& tables, const History& history,
                             const RunContext& context)
{
    Lives out;
    out.lives_ = SALVAGE_TRY(lives_in_log(volume, tables, history, context));
    const auto orphans = find_orphans(volume);
    std::vector<Life> more;
    SALVAGE_TRY(tables.for_each(volume, context, [&](std::uint32_t number, ByteView bytes) -> Result<> {
        const auto inode = volume.parse(number, bytes);
        if (inode.is_doubtful) {
            out.doubtful_.push_back(number);
        } else if (inode.is_in_use() && can_be_deleted(volume, inode)) {
            out.settle(volume, inode, orphans.contains(number), more);
        }
        return {};
    }));
    std::ranges::sort(out.alive_);
    std::ranges::sort(out.doubtful_);
    for (auto& life : out.lives_) {
        if (!life.is_settled && !std::ranges::binary_search(out.doubtful_, life.number)) {
            life.is_settled = volume.library->read_inode(life.number).has_value(); // there, and empty
        }
    }
    std::ranges::move(more, std::back_inserter(out.lives_));
    sort_lives(out.lives_);
    return out;
}

std::span<const Life> Lives::of(std::uint32_t number) const
{
    const auto found = std::ranges::equal_range(lives_, number, {}, &Life::number);
    return {found.begin(), found.end()};
}

bool Lives::is_alive(std::uint32_t number) const
{
    return std::ranges::binary_search(alive_, number);
}

Lives::NamedAt Lives::named_at(std::uint32_t number, EntryType type, std::int32_t age, bool was_entry) const
{
    constexpr NamedAt lives{.lives = true, .index = {}};
    if (std::ranges::binary_search(doubtful_, number)) {
        return lives;
    }
    const auto known = of(number);
    if (known.empty()) {
        return {.lives = is_alive(number), .index = {}};
    }
    const auto later = std::ranges::upper_bound(known, age, {}, &Life::first_age);
    if (later == known.begin() && known.front().has_predecessors) {
        return lives; // whose name it was is forgotten
    }
    const auto life = later == known.begin() ? later : later - 1;
    // A number that the log knows dead and the table alive, and not as one file: the table's came last.
    const bool is_reused = is_alive(number) && std::ranges::none_of(known, &Life::lives) && age == now_on_volume;
    if (!life->is_deleted() || is_reused) {
        return lives;
    }
    const bool is_other = type != EntryType::unknown && type != life->type();
    if (is_other) {
        return {.lives = false, .index = {}};
    }
    const bool is_sure = was_entry || life + 1 == known.end() || !(life + 1)->lives;
    if (!is_sure) {
        return lives;
    }
    return {.lives = false, .index = static_cast<std::size_t>(&*life - lives_.data())};
}

Result<Inode> Lives::inode(const Volume& volume, const InodeTables& tables, const History& history, const Life& life,
                           const Origin& origin) const
{
    if (origin.kind == Origin::Kind::table) {
        return volume.parse(life.number, SALVAGE_TRY(volume.library->read_inode(life.number)));
    }
    const auto block = SALVAGE_TRY(history.read(origin.copy));
    const auto first = tables.first_inode_in(origin.copy.on_volume).value_or(life.number);
    const std::size_t inode_bytes = volume.superblock.inode_bytes;
    return volume.parse(life.number, ByteView{block}.subspan((life.number - first) * inode_bytes, inode_bytes));
}

} // namespace salvage::filesystem::ext

// Names that no directory has any more: in the unused room of directory blocks, and in old copies of them.
#include "dead_names.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "checksum.hpp"
#include "inode_data.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint8_t directory_file_type = 2;
constexpr std::size_t parent_bytes = 4; // an inline directory begins with its parent's number

/// A directory that a block belonged to at some time.
struct Owner {
    FolderRef folder;
    DirectoryShape shape;
    std::int32_t first_age{std::numeric_limits<std::int32_t>::min()};
};

class Collector {
public:
    Collector(const Volume& volume, const InodeTables& tables, const History& history, const Lives& lives,
              BlockUse& use, const RunContext& context)
        : volume_{volume}, tables_{tables}, history_{history}, lives_{lives}, use_{use}, context_{context}
    {
        for (const auto& copy : history.copies()) {
            if (logged_.empty() || logged_.back() != copy.on_volume) {
                logged_.push_back(copy.on_volume);
            }
        }
    }

    Result<DeadNames> run() &&
    {
        const auto budget = std::min(volume_.superblock.blocks, max_directory_blocks);
        blocks_left_ = budget;
        SALVAGE_TRY(walk_live());
        blocks_left_ = budget;
        SALVAGE_TRY(read_dead_directories());
        SALVAGE_TRY(read_copies());
        for (auto& [key, entry] : found_) {
            out_.entries.push_back(std::move(entry));
        }
        return std::move(out_);
    }

private:
    struct Block {
        std::uint64_t number{};
        std::optional<LoggedCopy> copy;
    };

    void keep(DeadEntry entry)
    {
        if (entry.inode < volume_.superblock.first_inode || entry.inode > volume_.superblock.inodes) {
            return;
        }
        const auto named = lives_.named_at(entry.inode, entry_type_of(entry.file_type), entry.age(), entry.was_entry);
        if (named.lives) {
            return;
        }
        entry.life = named.index;
        auto key = std::tuple{entry.folder, entry.inode, entry.life, entry.name};
        if (const auto known = found_.find(key); known != found_.end()) {
            auto& best = known->second;
            if (std::pair{entry.was_entry, entry.age()} > std::pair{best.was_entry, best.age()}) {
                best = std::move(entry);
            }
        } else if (found_.size() < max_dead_entries) {
            found_.emplace(std::move(key), std::move(entry));
        }
    }

    void keep_remains(ByteView bytes, const Block& block, const Owner& owner)
    {
        for (auto& dead : find_dead_names(bytes, owner.shape, volume_.superblock.inodes)) {
            keep({.name = std::move(dead.name),
                  .inode = dead.inode,
                  .file_type = dead.file_type,
                  .life = {},
                  .folder = owner.folder,
                  .copy = block.copy,
                  .block = block.number,
                  .at = dead.at,
                  .was_entry = false});
        }
    }

    void keep_entries(ByteView bytes, const Block& block, const Owner& owner)
    {
        Directory names;
        parse_directory_block(bytes, bytes.size(), owner.shape, names);
        for (auto& entry : names.entries) {
            keep({.name = std::move(entry.name),
                  .inode = entry.inode,
                  .file_type = entry.file_type,
                  .life = {},
                  .folder = owner.folder,
                  .copy = block.copy,
                  .block = block.number,
                  .at = entry.at,
                  .was_entry = true});
        }
        keep_remains(bytes, block, owner);
    }

    Result<> walk_live()
    {
        std::vector<std::uint32_t> waiting{root_inode};
        std::unordered_set<std::uint32_t> seen{root_inode};
        while (!waiting.empty()) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted names");
            }
            const auto number = waiting.back();
            waiting.pop_back();
            for (auto& [name, child] : SALVAGE_TRY(read_live(number))) {
                if (seen.insert(child).second) {
                    out_.parents.try_emplace(child, DeadNames::Parent{.inode = number, .name = std::move(name)});
                    waiting.push_back(child);
                }
            }
        }
        return {};
    }

    [[nodiscard]] bool is_directory(const DirectoryEntry& entry) const
    {
        if (volume_.superblock.has_incompat(feature::filetype)) {
            return entry.file_type == directory_file_type;
        }
        const auto inode = volume_.inode(entry.inode);
        return inode.has_value() && inode->is_directory();
    }

    /// Keeps the remains of names in a live directory; its folders, by name.
    Result<std::vector<std::pair<std::string, std::uint32_t>>> read_live(std::uint32_t number)
    {
        std::vector<std::pair<std::string, std::uint32_t>> folders;
        const auto inode = volume_.inode(number);
        if (!inode.has_value() || !inode->is_directory()) {
            return inode.has_value() || inode.error().code != ErrorCode::io ? Result<decltype(folders)>{folders}
                                                                            : inode.error();
        }
        const Owner owner{.folder = {.inode = number, .generation = inode->generation},
                          .shape = directory_shape(volume_, *inode)};
        Directory names;
        const auto take = [&](ByteView bytes, const Block& block) {
            parse_directory_block(bytes, bytes.size(), owner.shape, names);
            keep_remains(bytes, block, owner);
        };
        if (inode->has(inode_flag::inline_data)) {
            for_inline_parts(*inode, [&](ByteView part) { take(part, {}); });
        } else if (const auto map = volume_.map_of(*inode); map.has_value()) {
            note_owner(*map, owner);
            SALVAGE_TRY(for_blocks(*map, [&](std::uint64_t block, ByteView bytes) {
                take(bytes, {.number = block, .copy = {}});
                return Result<>{};
            }));
        }
        for (auto& entry : names.entries) {
            if (is_directory(entry)) {
                folders.emplace_back(std::move(entry.name), entry.inode);
            }
        }
        return folders;
    }

    template <typename Take>
    void for_inline_parts(const Inode& inode, Take take) const
    {
        take(ByteView{inode.block}.subspan(parent_bytes));
        if (const auto rest = inline_rest(volume_, inode); rest.has_value()) {
            take(ByteView{*rest});
        }
    }

    /// Hands on each block of a map that can be read.
    template <typename Take>
    Result<> for_blocks(const ContentMap& map, Take take)
    {
        blocks_left_ -= std::min<std::uint64_t>(blocks_left_, map.nodes.size());
        const std::uint64_t block_bytes = volume_.superblock.block_bytes;
        for (const auto& run : map.runs) {
            for (std::uint64_t i = 0; !run.is_lost() && i < run.blocks && blocks_left_ > 0; ++i, --blocks_left_) {
                const auto block = run.on_volume + i;
                const auto bytes =
                    io::read_bytes(*volume_.source, ByteOffset{block * block_bytes}, ByteCount{block_bytes});
                if (!bytes.has_value()) {
                    if (bytes.error().code == ErrorCode::io) {
                        return bytes.error();
                    }
                    continue;
                }
                SALVAGE_TRY(take(block, ByteView{*bytes}));
            }
        }
        return {};
    }

    /// Notes whose the blocks were of which the log has copies.
    void note_owner(const ContentMap& map, const Owner& owner)
    {
        for (const auto& run : map.runs) {
            if (run.is_lost()) {
                continue;
            }
            for (auto block = std::ranges::lower_bound(logged_, run.on_volume);
                 block != logged_.end() && *block < run.on_volume + run.blocks && owners_count_ < max_lives; ++block) {
                if (auto& owners = owners_[*block]; owners.size() < max_owners_of_block) {
                    owners.push_back(owner);
                    ++owners_count_;
                }
            }
        }
    }

    Result<> read_dead_directories()
    {
        for (const auto& life : lives_.all()) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted names");
            }
            if (blocks_left_ != 0 && life.type() == EntryType::directory && life.is_deleted() &&
                life.best().is_known()) {
                SALVAGE_TRY(read_dead(life));
            }
        }
        return {};
    }

    Result<> read_dead(const Life& life)
    {
        const auto inode = lives_.inode(volume_, tables_, history_, life, life.best());
        if (!inode.has_value()) {
            return inode.error().code == ErrorCode::io ? Result<>{inode.error()} : Result<>{};
        }
        const Owner owner{.folder = {.inode = life.number, .generation = life.generation},
                          .shape = directory_shape(volume_, *inode),
                          .first_age = life.first_age};
        if (inode->has(inode_flag::inline_data)) {
            return {}; // its names come with the copies of its inode
        }
        const auto map = map_of_past(volume_, history_, use_, *inode, life.last_age);
        if (!map.has_value()) {
            return map.error().code == ErrorCode::io ? Result<>{map.error()} : Result<>{};
        }
        note_owner(*map, owner);
        return for_blocks(*map, [&](std::uint64_t block, ByteView bytes) -> Result<> {
            const auto use = SALVAGE_TRY(use_.at(block));
            if (use.use == Use::free && looks_like_directory(bytes, owner.shape, volume_.superblock.inodes) &&
                is_of(bytes, owner) != Belongs::no) {
                keep_entries(bytes, {.number = block, .copy = {}}, owner);
            }
            return {};
        });
    }

    enum class Belongs : std::uint8_t { yes, no, maybe };

    /// Whether a block is a directory's: by its checksum, else by the number behind ".".
    [[nodiscard]] static Belongs is_of(ByteView block, const Owner& owner)
    {
        if (owner.shape.checksum_seed) {
            const auto checksums = directory_checksums(*owner.shape.checksum_seed, block);
            return checksums && checksums->agree() ? Belongs::yes : Belongs::no;
        }
        const auto itself = number_of_itself(block);
        if (!itself) {
            return Belongs::maybe;
        }
        return *itself == owner.folder.inode ? Belongs::yes : Belongs::no;
    }

    /// The number of the entry "." with which the first block of a directory begins.
    [[nodiscard]] static std::optional<std::uint32_t> number_of_itself(ByteView block)
    {
        constexpr std::byte one{1};
        constexpr std::byte dot{'.'};
        if (load_le<std::uint16_t>(block.subspan(4)) != 12 || block[6] != one || block[8] != dot) {
            return std::nullopt;
        }
        return load_le<std::uint32_t>(block);
    }

    Result<> read_copies()
    {
        for (const auto& copy : history_.copies()) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted names in the journal");
            }
            const auto owners = owners_.find(copy.on_volume);
            const auto table = tables_.first_inode_in(copy.on_volume);
            const auto bytes = history_.read(copy);
            if (!bytes.has_value()) {
                if (bytes.error().code == ErrorCode::io) {
                    return bytes.error();
                }
                continue;
            }
            if (table) {
                read_inline(*table, copy, *bytes);
                continue;
            }
            const auto owner = owner_of(*bytes, copy, owners == owners_.end() ? std::vector<Owner>{} : owners->second);
            if (owner) {
                keep_entries(*bytes, {.number = copy.on_volume, .copy = copy}, *owner);
            }
        }
        return {};
    }

    /// The directory that a copy was a block of: a known owner that fits, else what the block says of itself.
    [[nodiscard]] std::optional<Owner> owner_of(ByteView bytes, const LoggedCopy& copy,
                                                const std::vector<Owner>& owners) const
    {
        std::optional<Owner> out;
        for (const auto& owner : owners) {
            const auto belongs = is_of(bytes, owner);
            if (belongs == Belongs::yes) {
                return owner;
            }
            const bool fits = belongs == Belongs::maybe && owner.first_age <= copy.age &&
                              looks_like_directory(bytes, owner.shape, volume_.superblock.inodes);
            if (fits && (!out || owner.first_age > out->first_age)) {
                out = owner;
            }
        }
        if (out) {
            return out;
        }
        const DirectoryShape plain{.block_bytes = bytes.size(),
                                   .has_file_types = volume_.superblock.has_incompat(feature::filetype),
                                   .is_encrypted = false,
                                   .checksum_seed = {}};
        const auto itself = number_of_itself(bytes);
        if (!itself || !looks_like_directory(bytes, plain, volume_.superblock.inodes)) {
            return std::nullopt;
        }
        return Owner{.folder = {.inode = *itself, .generation = {}}, .shape = plain};
    }

    /// Names that lie in the inodes of a block of the inode table.
    void read_inline(std::uint32_t first, const LoggedCopy& copy, ByteView block)
    {
        const std::size_t inode_bytes = volume_.superblock.inode_bytes;
        for (std::uint32_t i = 0; i < tables_.inodes_per_block(); ++i) {
            const auto bytes = block.subspan(i * inode_bytes, inode_bytes);
            if ((load_le<std::uint32_t>(bytes.subspan(0x20)) & inode_flag::inline_data) == 0) {
                continue;
            }
            const auto inode = volume_.parse(first + i, bytes);
            if (!inode.is_directory() || inode.is_doubtful) {
                continue;
            }
            const Owner owner{.folder = {.inode = inode.number, .generation = inode.generation},
                              .shape = directory_shape(volume_, inode)};
            for_inline_parts(
                inode, [&](ByteView part) { keep_entries(part, {.number = copy.on_volume, .copy = copy}, owner); });
        }
    }

    const Volume& volume_;
    const InodeTables& tables_;
    const History& history_;
    const Lives& lives_;
    BlockUse& use_;
    const RunContext& context_;
    std::vector<std::uint64_t> logged_; ///< blocks of which the log has copies, in order
    std::unordered_map<std::uint64_t, std::vector<Owner>> owners_;
    std::size_t owners_count_{0};
    std::uint64_t blocks_left_{0};
    std::map<std::tuple<FolderRef, std::uint32_t, std::optional<std::size_t>, std::string>, DeadEntry> found_;
    DeadNames out_;
};

} // namespace

Result<DeadNames> collect_names(const Volume& volume, const InodeTables& tables, const History& history,
                                const Lives& lives, BlockUse& use, const RunContext& context)
{
    return Collector(volume, tables, history, lives, use, context).run();
}

} // namespace salvage::filesystem::ext

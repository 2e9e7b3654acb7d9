// The tree of nodes: which blocks of the volume are a file's.
//
// An inode holds addresses itself, then names two nodes of addresses, two of nodes, and one of nodes of nodes.  Each
// place has a number, which its node repeats in its footer:
//
//   0 inode | 1, 2 | 3: 4 … 1021 | 1022: 1023 … 2040 | 2041: 2042: 2043 …, 3061: 3062 …
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "volume.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::uint32_t per_node = addresses_in_node;
constexpr std::array<std::uint32_t, node_pointers> places{1, 2, 3, 4 + per_node, 5 + 2 * per_node};
/// A file of addresses only in nodes of four bytes each; Linux allows no more.
constexpr std::uint64_t most_blocks =
    addresses_in_inode + 2ULL * per_node + 2ULL * per_node * per_node + std::uint64_t{per_node} * per_node * per_node;

bool is_hole(std::uint32_t block) noexcept
{
    return block == no_block || block == new_block;
}

/// True for errors that damage one part of a file and leave the others.
bool is_local(const Error& error) noexcept
{
    return error.code != ErrorCode::io && error.code != ErrorCode::unsupported;
}

class Walk {
public:
    /// `source` is read for what `recovered` names, which may be null.
    Walk(const NodeLookup& nodes, const Superblock& superblock, const io::ByteSource& source,
         const RecoveredFile* recovered, const Inode& inode)
        : nodes_{nodes}, superblock_{superblock}, source_{source}, inode_{inode}, recovered_{recovered},
          cluster_{inode.compression ? inode.compression->cluster_blocks() : 1},
          addresses_per_node_{per_node - per_node % cluster_}
    {
    }

    Result<FileMap> run()
    {
        const auto blocks = inode_.size / block_bytes + (inode_.size % block_bytes != 0 ? 1 : 0);
        if (blocks > most_blocks) {
            return malformed({}, "a file is larger than f2fs can hold",
                             fmt::format("inode {} has {} bytes", inode_.number, inode_.size));
        }
        end_ = (blocks + cluster_ - 1) / cluster_ * cluster_;
        const auto own = inode_.own_addresses();
        const bool is_checked = recovered_ == nullptr || recovered_->inode_block == no_block;
        SALVAGE_TRY(take([&](std::size_t i) { return inode_.address(i); }, own,
                         {.node = inode_.number, .is_checked = is_checked}));
        SALVAGE_TRY(direct(inode_.nodes[0], places[0]));
        SALVAGE_TRY(direct(inode_.nodes[1], places[1]));
        SALVAGE_TRY(indirect(inode_.nodes[2], places[2], 1));
        SALVAGE_TRY(indirect(inode_.nodes[3], places[3], 1));
        SALVAGE_TRY(indirect(inode_.nodes[4], places[4], 2));
        return std::move(map_);
    }

private:
    /// The node that addresses stand in; those found after the checkpoint are not in its tables and cannot be checked.
    struct From {
        std::uint32_t node;
        bool is_checked;
    };

    /// Takes the next `count` addresses of the file.
    template <typename AddressAt>
    Result<> take(const AddressAt& address_at, std::size_t count, From from)
    {
        for (std::size_t i = 0; i < count && next_ < end_; i += cluster_, next_ += cluster_) {
            if (inode_.compression && address_at(i) == compressed_block) {
                take_cluster(address_at, i, from);
                continue;
            }
            for (std::size_t k = 0; k < cluster_; ++k) {
                SALVAGE_TRY(take_block(next_ + k, address_at(i + k), from, i + k));
            }
        }
        return {};
    }

    Result<> take_block(std::uint64_t at, std::uint32_t block, From from, std::size_t index)
    {
        if (is_hole(block)) {
            map_.reserved_blocks += block == new_block ? 1U : 0U;
            return {};
        }
        if (auto damage = why_not(block, from, index)) {
            return lose(at, 1, std::move(*damage));
        }
        return append({.first = at, .blocks = 1, .on_volume = block, .damage = 0});
    }

    /// Behind the mark of a compressed cluster stand the blocks it was packed into, and nothing for the rest.
    template <typename AddressAt>
    void take_cluster(const AddressAt& address_at, std::size_t first, From from)
    {
        Cluster out{
            .index = next_ / cluster_, .first_block = map_.cluster_blocks.size(), .block_count = 0, .damage = 0};
        for (std::size_t k = 1; k < cluster_; ++k) {
            const auto block = address_at(first + k);
            if (is_hole(block)) {
                continue;
            }
            if (auto damage = why_not(block, from, first + k); damage && out.damage == 0) {
                out.damage = remember(std::move(*damage));
            }
            map_.cluster_blocks.push_back(block);
            ++out.block_count;
        }
        if (out.block_count == 0) {
            out.damage = remember(error("a compressed cluster has no blocks", fmt::format("cluster {}", out.index)));
        }
        if (out.damage != 0) {
            map_.cluster_blocks.resize(out.first_block);
            out.block_count = 0;
        }
        map_.clusters.push_back(out);
    }

    [[nodiscard]] std::optional<Error> why_not(std::uint32_t block, From from, std::size_t index) const
    {
        if (!from.is_checked) {
            return superblock_.is_in_main(block)
                       ? std::nullopt
                       : std::optional{error("a file points outside the volume", fmt::format("block {}", block))};
        }
        return nodes_.why_not_data(block, {.node = from.node, .index = static_cast<std::uint16_t>(index)});
    }

    Result<> direct(std::uint32_t number, std::uint32_t place)
    {
        if (next_ >= end_) {
            return {};
        }
        if (recovered_ != nullptr) {
            if (const auto found = recovered_->nodes.find(place); found != recovered_->nodes.end()) {
                return take_node(read_block(source_, found->second), {.node = number, .is_checked = false});
            }
        }
        if (number == 0) {
            next_ += addresses_per_node_;
            return {};
        }
        return take_node(nodes_.node(number, inode_.number, place), {.node = number, .is_checked = true});
    }

    Result<> take_node(const Result<Bytes>& node, From from)
    {
        if (!node.has_value()) {
            return skip_lost(addresses_per_node_, node.error());
        }
        const ByteView bytes{*node};
        const auto before = next_;
        SALVAGE_TRY(take([&](std::size_t i) { return load_le<std::uint32_t>(bytes.subspan(4 * i)); },
                         addresses_per_node_, from));
        next_ = before + addresses_per_node_;
        return {};
    }

    /// A node of nodes, `levels` above those that hold addresses.
    Result<> indirect(std::uint32_t number, std::uint32_t place, unsigned levels)
    {
        // cppcheck-suppress redundantAssignment
        const auto nodes = levels == 1 ? std::uint64_t{per_node} : std::uint64_t{per_node} * per_node;
        const auto covered = nodes * addresses_per_node_;
        if (next_ >= end_) {
            return {};
        }
        const auto places_below = levels == 1 ? per_node : per_node * (per_node + 1);
        if (number == 0 && !has_recovered(place, places_below)) {
            next_ += covered;
            return {};
        }
        Bytes node(block_bytes);
        if (number != 0) {
            auto read = nodes_.node(number, inode_.number, place);
            if (!read.has_value()) {
                if (!has_recovered(place, places_below)) {
                    return skip_lost(covered, read.error());
                }
                return lost_with_recovered(place, levels, read.error());
            }
            node = std::move(*read);
        }
        return children(node, place, levels);
    }

    Result<> children(ByteView node, std::uint32_t place, unsigned levels)
    {
        const auto step = levels == 1 ? 1 : per_node + 1;
        for (std::uint32_t i = 0; i < per_node && next_ < end_; ++i) {
            const auto child = load_le<std::uint32_t>(node.subspan(4 * std::size_t{i}));
            SALVAGE_TRY(levels == 1 ? direct(child, place + 1 + i) : indirect(child, place + 1 + i * step, levels - 1));
        }
        return {};
    }

    /// The node of nodes is lost, but some below it were written again later.
    Result<> lost_with_recovered(std::uint32_t place, unsigned levels, const Error& why)
    {
        const auto step = levels == 1 ? 1 : per_node + 1;
        for (std::uint32_t i = 0; i < per_node && next_ < end_; ++i) {
            const auto below = place + 1 + i * step;
            if (levels == 2) {
                SALVAGE_TRY(has_recovered(below, per_node)
                                ? lost_with_recovered(below, 1, why)
                                : skip_lost(std::uint64_t{addresses_per_node_} * per_node, why));
            } else if (recovered_->nodes.contains(below)) {
                SALVAGE_TRY(direct(0, below));
            } else {
                SALVAGE_TRY(skip_lost(addresses_per_node_, why));
            }
        }
        return {};
    }

    [[nodiscard]] bool has_recovered(std::uint32_t place, std::uint32_t places_below) const
    {
        if (recovered_ == nullptr) {
            return false;
        }
        const auto next = recovered_->nodes.upper_bound(place);
        return next != recovered_->nodes.end() && next->first - place <= places_below;
    }

    Result<> skip_lost(std::uint64_t blocks, const Error& why)
    {
        if (!is_local(why)) {
            return why;
        }
        const auto count = std::min(blocks, end_ - next_);
        const auto at = next_;
        next_ += blocks;
        return lose(at, count, why);
    }

    std::uint32_t remember(Error why)
    {
        auto& damages = map_.plain.damages;
        if (damages.size() < ext::max_damages) {
            damages.push_back(std::move(why));
        }
        return static_cast<std::uint32_t>(damages.size());
    }

    Result<> lose(std::uint64_t first, std::uint64_t blocks, Error why)
    {
        return append({.first = first, .blocks = blocks, .on_volume = 0, .damage = remember(std::move(why))});
    }

    Result<> append(ext::Run run)
    {
        auto& runs = map_.plain.runs;
        if (!runs.empty() && continues(runs.back(), run)) {
            runs.back().blocks += run.blocks;
            return {};
        }
        if (runs.size() >= ext::max_runs) {
            return unsupported("a file lies in more pieces than are followed",
                               fmt::format("inode {} has more than {}", inode_.number, ext::max_runs));
        }
        runs.push_back(run);
        return {};
    }

    static bool continues(const ext::Run& before, const ext::Run& next) noexcept
    {
        return before.damage == next.damage && before.end() == next.first &&
               (before.is_lost() || before.on_volume + before.blocks == next.on_volume);
    }

    [[nodiscard]] Error error(std::string_view what, std::string_view why) const
    {
        return Error{
            ErrorCode::malformed, std::string{what}, fmt::format("inode {}: {}", inode_.number, why), {}, {}, {}};
    }

    const NodeLookup& nodes_;
    const Superblock& superblock_;
    const io::ByteSource& source_;
    const Inode& inode_;
    const RecoveredFile* recovered_;
    std::uint32_t cluster_;
    std::uint32_t addresses_per_node_;
    std::uint64_t next_{0}; ///< block of the file
    std::uint64_t end_{0};
    FileMap map_;
};

} // namespace

Result<FileMap> map_file(const Volume& volume, const Inode& inode)
{
    return Walk{volume, volume.superblock(), volume.source(), volume.recovered().file(inode.number), inode}.run();
}

Result<FileMap> map_tree(const NodeLookup& nodes, const Volume& volume, const Inode& inode)
{
    return Walk{nodes, volume.superblock(), volume.source(), nullptr, inode}.run();
}

} // namespace salvage::filesystem::f2fs

// A filesystem for tests, as healthy or as hostile as the test wants it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::test {

/// Root is inode 2; others are numbered from 11 on, unless a test says otherwise.
class FakeFileSystem final : public filesystem::FileSystem {
public:
    static constexpr std::uint64_t root_inode = 2;
    static constexpr std::int64_t some_time = 1'500'000'000;

    FakeFileSystem() { nodes_[root_inode].entry = make_entry("", filesystem::EntryType::directory, root_inode); }

    struct Node {
        filesystem::Entry entry;
        std::vector<std::pair<std::string, std::uint64_t>> children;
        io::SourcePtr content;
        std::string target;
        filesystem::ExtendedAttributes attributes;
        std::optional<Error> damage; ///< of list, read_link or open; a folder still gives its children
    };

    std::uint64_t add_folder(std::uint64_t parent, const std::string& name)
    {
        return add(parent, name, filesystem::EntryType::directory);
    }
    std::uint64_t add_file(std::uint64_t parent, const std::string& name, io::SourcePtr content)
    {
        const auto inode = add(parent, name, filesystem::EntryType::file);
        nodes_[inode].entry.size = content->size();
        nodes_[inode].content = std::move(content);
        return inode;
    }
    std::uint64_t add_file(std::uint64_t parent, const std::string& name, std::string_view text)
    {
        const auto bytes = as_bytes(text);
        return add_file(parent, name, io::make_memory({bytes.begin(), bytes.end()}, name));
    }
    std::uint64_t add_symlink(std::uint64_t parent, const std::string& name, const std::string& target)
    {
        const auto inode = add(parent, name, filesystem::EntryType::symlink);
        nodes_[inode].target = target;
        return inode;
    }
    std::uint64_t add(std::uint64_t parent, const std::string& name, filesystem::EntryType type)
    {
        const auto inode = next_inode_++;
        nodes_[inode].entry = make_entry(name, type, inode);
        nodes_[parent].children.emplace_back(name, inode);
        return inode;
    }
    void link(std::uint64_t parent, const std::string& name, std::uint64_t inode)
    {
        nodes_[parent].children.emplace_back(name, inode);
        ++nodes_[inode].entry.links;
    }
    Node& node(std::uint64_t inode) { return nodes_[inode]; }

    [[nodiscard]] std::string_view kind() const noexcept override { return "fake"; }
    [[nodiscard]] std::string label() const override { return {}; }
    [[nodiscard]] filesystem::Entry root() const override { return nodes_.at(root_inode).entry; }
    Result<std::vector<filesystem::Entry>> list(std::uint64_t inode,
                                                std::vector<filesystem::Entry>* read_so_far) const override
    {
        const auto& folder = nodes_.at(inode);
        std::vector<filesystem::Entry> out;
        for (const auto& [name, child] : folder.children) {
            out.push_back(nodes_.at(child).entry);
            out.back().name = name;
        }
        if (folder.damage) {
            if (read_so_far != nullptr) {
                *read_so_far = std::move(out);
            }
            return *folder.damage;
        }
        return out;
    }
    [[nodiscard]] Result<filesystem::Entry> stat(std::uint64_t inode) const override { return nodes_.at(inode).entry; }
    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto& node = nodes_.at(inode);
        return node.damage ? Result<std::string>{*node.damage} : Result<std::string>{node.target};
    }
    [[nodiscard]] Result<filesystem::ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        return nodes_.at(inode).attributes;
    }
    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto& node = nodes_.at(inode);
        return node.damage ? Result<io::SourcePtr>{*node.damage} : Result<io::SourcePtr>{node.content};
    }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }

private:
    static filesystem::Entry make_entry(const std::string& name, filesystem::EntryType type, std::uint64_t inode)
    {
        filesystem::Entry entry;
        entry.name = name;
        entry.inode = inode;
        entry.type = type;
        entry.mode = type == filesystem::EntryType::directory ? 0771U : 0640U;
        entry.modified = {.seconds = some_time, .nanoseconds = 123'456'789};
        entry.accessed = {.seconds = some_time - 1, .nanoseconds = 1};
        return entry;
    }

    std::map<std::uint64_t, Node> nodes_;
    std::uint64_t next_inode_{11};
    std::vector<Finding> findings_;
};

/// Bytes that look like nothing and repeat nowhere near: a fixed xorshift sequence.
inline Bytes noise(std::size_t count, std::uint64_t seed = 1)
{
    Bytes out(count);
    auto state = (seed * 0x9E37'79B9'7F4A'7C15ULL) | 1U;
    for (auto& byte : out) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        byte = static_cast<std::byte>(state & 0xFFU);
    }
    return out;
}

/// `text` for a shell, in single quotes.
inline std::string quoted(const std::string& text)
{
    std::string out = "'";
    for (const auto c : text) {
        out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
    }
    return out + "'";
}

} // namespace salvage::test

// Two ends of the test of f2fs: puts a folder under fscrypt inside the guest, and lists a volume as find and sha256sum
// do.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/fscrypt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using filesystem::Entry;
using filesystem::EntryType;

constexpr std::uint64_t whole_content_below = 64U << 20U;
constexpr std::array<std::uint64_t, 8> deep_blocks{0, 922, 923, 2816, 3300, 1039283, 2075607, 2100000};

/// fscrypt policy version 2 with a key of zeros: AES-256-XTS for content, AES-256-CTS for names.
int encrypt_folder(const char* folder)
{
    constexpr std::size_t key_bytes = 64;
    std::vector<std::byte> room(sizeof(fscrypt_add_key_arg) + key_bytes);
    fscrypt_add_key_arg key{};
    key.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
    key.raw_size = key_bytes;
    std::memcpy(room.data(), &key, sizeof key);
    const int descriptor = ::open(folder, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::ioctl(descriptor, FS_IOC_ADD_ENCRYPTION_KEY, room.data()) != 0) {
        std::perror("adding the key");
        return 1;
    }
    std::memcpy(&key, room.data(), sizeof key);
    fscrypt_policy_v2 policy{};
    policy.version = FSCRYPT_POLICY_V2;
    policy.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS;
    policy.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS;
    policy.flags = FSCRYPT_POLICY_FLAGS_PAD_32;
    // NOLINTNEXTLINE(*-array-to-pointer-decay,*-union-access): the kernel's own structures.
    std::memcpy(policy.master_key_identifier, key.key_spec.u.identifier, sizeof policy.master_key_identifier);
    if (::ioctl(descriptor, FS_IOC_SET_ENCRYPTION_POLICY, &policy) != 0) {
        std::perror("setting the policy");
        return 1;
    }
    ::close(descriptor);
    return 0;
}

class Sha256 {
public:
    Sha256() { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256() { EVP_MD_CTX_free(context_); }
    void update(ByteView bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
    std::string hex()
    {
        std::array<unsigned char, 32> digest{};
        EVP_DigestFinal_ex(context_, digest.data(), nullptr);
        return to_hex(std::as_bytes(std::span{digest}));
    }

private:
    EVP_MD_CTX* context_{EVP_MD_CTX_new()};
};

char letter_of(EntryType type)
{
    constexpr std::string_view letters{"fdlpscbU"};
    return letters[static_cast<std::size_t>(type)];
}

std::string time_text(const filesystem::Timestamp& time)
{
    return fmt::format("{}.{:09}0", time.seconds, time.nanoseconds);
}

class Lister {
public:
    explicit Lister(const filesystem::FileSystem& fs) : fs_{fs} {}

    void folder(std::uint64_t inode, const std::string& path)
    {
        const auto entries = fs_.list(inode);
        if (!entries.has_value()) {
            fmt::print(stderr, "{}: {}\n", path, to_string(entries.error()));
            failures_ += 1;
            return;
        }
        for (const auto& entry : *entries) {
            const auto name = path.empty() ? entry.name : path + "/" + entry.name;
            print(entry, name);
            if (entry.type == EntryType::directory) {
                folder(entry.inode, name);
            }
        }
    }
    [[nodiscard]] int failures() const { return failures_; }

private:
    void print(const Entry& entry, const std::string& path)
    {
        std::string target;
        if (entry.type == EntryType::symlink && !entry.is_encrypted) {
            target = take(fs_.read_link(entry.inode), path, std::string{});
        }
        fmt::print("entry\t{}\t{}\t{:o}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", letter_of(entry.type), entry.size.value,
                   entry.mode, entry.uid, entry.gid, time_text(entry.modified), time_text(entry.changed), entry.links,
                   target, path);
        if (entry.type == EntryType::file && !entry.is_encrypted) {
            fmt::print("sum\t{}\t{}\n", content(entry, path), path);
        }
        if (entry.type == EntryType::block_device || entry.type == EntryType::character_device) {
            fmt::print("device\t{}\t{:x}\t{:x}\n", path, entry.device >> 32U, entry.device & 0xFFFFFFFFU);
        }
        for (const auto& [name, value] :
             take(fs_.extended_attributes(entry.inode), path, filesystem::ExtendedAttributes{})) {
            fmt::print("attribute\t{}\t{}=0x{}\n", path, name, to_hex(value));
        }
        if (entry.is_encrypted) {
            fmt::print("encrypted\t{}\n", path);
        }
    }

    std::string content(const Entry& entry, const std::string& path)
    {
        const auto source = fs_.open(entry.inode);
        if (!source.has_value()) {
            return take(Result<std::string>{source.error()}, path, std::string{});
        }
        const auto size = (*source)->size().value;
        Sha256 hash;
        if (size >= whole_content_below) {
            for (const auto block : deep_blocks) {
                if (block * 4096 >= size) {
                    continue;
                }
                hash.update(take(io::read_up_to(**source, ByteOffset{block * 4096}, ByteCount{4096}), path, Bytes{}));
            }
            return hash.hex();
        }
        constexpr std::uint64_t step = 1U << 20U;
        for (std::uint64_t at = 0; at < size; at += step) {
            hash.update(take(io::read_up_to(**source, ByteOffset{at}, ByteCount{step}), path, Bytes{}));
        }
        return hash.hex();
    }

    template <typename T>
    T take(Result<T> result, const std::string& path, T instead)
    {
        if (result.has_value()) {
            return std::move(*result);
        }
        fmt::print(stderr, "{}: {}\n", path, to_string(result.error()));
        failures_ += 1;
        return instead;
    }

    const filesystem::FileSystem& fs_;
    int failures_{0};
};

int list(const char* image)
{
    const auto source = io::open_any(image);
    if (!source.has_value()) {
        fmt::print(stderr, "{}\n", to_string(source.error()));
        return 1;
    }
    const auto fs = filesystem::open(*source);
    if (!fs.has_value()) {
        fmt::print(stderr, "{}\n", to_string(fs.error()));
        return 1;
    }
    for (const auto& finding : (*fs)->findings()) {
        fmt::print("finding\t{}\t{}\n", finding.code, finding.text);
    }
    Lister lister{**fs};
    lister.folder((*fs)->root().inode, "");
    return lister.failures() == 0 ? 0 : 3;
}

/// Of content whose every 64 bytes say of which file they are and where in it: how many are right, wrong, and lost.
void print_records(const io::ByteSource& content, filesystem::Confidence confidence, const std::string& name)
{
    constexpr std::uint64_t record_bytes = 64;
    std::array<std::uint64_t, 3> counts{};
    const auto number = std::stoull(name.substr(name.find('-') + 1));
    for (std::uint64_t i = 0; i * record_bytes < content.size().value; ++i) {
        const auto record = io::read_up_to(content, ByteOffset{i * record_bytes}, ByteCount{record_bytes});
        const auto expected = fmt::format("{:031} {:031}\n", number, i);
        counts[!record.has_value() ? 2 : (as_text(*record) == expected ? 0 : 1)] += 1;
    }
    fmt::print("records\t{}\t{}\t{}\t{}\t{}\n", to_string(confidence), counts[0], counts[1], counts[2], name);
}

/// What was deleted, in fields like those of list(), with the confidence behind the type.
int deleted(const char* image)
{
    const auto source = io::open_any(image);
    const auto fs = source.has_value() ? filesystem::open(*source)
                                       : Result<std::unique_ptr<const filesystem::FileSystem>>{source.error()};
    const auto files =
        fs.has_value() ? (*fs)->deleted_files({}) : Result<std::vector<filesystem::DeletedFile>>{fs.error()};
    if (!files.has_value()) {
        fmt::print(stderr, "{}\n", to_string(files.error()));
        return 1;
    }
    for (const auto& file : *files) {
        const auto& entry = file.entry;
        const auto path = (file.folder == "/" ? "" : file.folder + "/") + entry.name;
        const auto shown = path.starts_with('/') ? path.substr(1) : path;
        fmt::print("deleted\t{}\t{}\t{}\t{:o}\t{}\t{}\t{}\t{}\t{}\n", letter_of(entry.type), to_string(file.confidence),
                   entry.size.value, entry.mode, entry.uid, entry.gid, time_text(entry.modified), file.target, shown);
        fmt::print("proof\t{}\t{}\n", shown, file.proof);
        if (file.content == nullptr) {
            continue;
        }
        if (entry.name.starts_with("self-")) {
            print_records(*file.content, file.confidence, entry.name);
        }
        const auto bytes = io::read_all(*file.content, ByteCount{whole_content_below});
        Sha256 hash;
        if (bytes.has_value()) {
            hash.update(*bytes);
        }
        fmt::print("sum\t{}\t{}\t{}\n", bytes.has_value() ? hash.hex() : "lost", to_string(file.confidence), shown);
    }
    return 0;
}

/// Only the blocks that hold something: see fuzz/f2fs_seed.hpp.
int pack(const char* image, const char* seed)
{
    const auto source = io::open_any(image);
    auto* const file = source.has_value() ? std::fopen(seed, "wxb") : nullptr;
    if (file == nullptr) {
        fmt::print(stderr, "{}: cannot be packed into {}\n", image, seed);
        return 1;
    }
    constexpr std::uint64_t block_bytes = 4096;
    bool is_written = true;
    const auto put_bytes = [&](ByteView bytes) {
        is_written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && is_written;
    };
    const auto put = [&](std::uint64_t number) {
        std::array<std::byte, 4> bytes{};
        store_le(bytes, static_cast<std::uint32_t>(number));
        put_bytes(bytes);
    };
    const auto blocks = (*source)->size().value / block_bytes;
    put(blocks);
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const auto block = io::read_bytes(**source, ByteOffset{i * block_bytes}, ByteCount{block_bytes});
        if (block.has_value() && !is_all_zero(*block)) {
            put(i);
            put_bytes(*block);
        }
    }
    return std::fclose(file) == 0 && is_written ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    const std::span arguments{argv, static_cast<std::size_t>(argc)};
    if (arguments.size() == 3 && std::string_view{arguments[1]} == "encrypt") {
        return encrypt_folder(arguments[2]);
    }
    if (arguments.size() == 3 && std::string_view{arguments[1]} == "list") {
        return list(arguments[2]);
    }
    if (arguments.size() == 3 && std::string_view{arguments[1]} == "deleted") {
        return deleted(arguments[2]);
    }
    if (arguments.size() == 4 && std::string_view{arguments[1]} == "pack") {
        return pack(arguments[2], arguments[3]);
    }
    fmt::print(stderr, "usage: f2fs_volume encrypt FOLDER | list IMAGE | deleted IMAGE | pack IMAGE SEED\n");
    return 2;
}

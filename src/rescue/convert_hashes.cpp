// One thread a hash.
#include "rescue/convert_hashes.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <openssl/evp.h>

namespace salvage::rescue {
namespace {

// Enough that a slow hash does not stop a fast one at once; the pool of buffers bounds it anyway.
constexpr std::size_t max_waiting = 8;

struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};

} // namespace

class ContentHashes::Lane {
public:
    explicit Lane(const EVP_MD* kind) : context_{::EVP_MD_CTX_new()}
    {
        ::EVP_DigestInit_ex(context_.get(), kind, nullptr);
        thread_ = std::thread{[this] { run(); }};
    }
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    ~Lane()
    {
        {
            const std::scoped_lock lock{mutex_};
            is_ending_ = true;
            jobs_.clear();
        }
        changed_.notify_all();
        thread_.join();
    }

    void push(std::shared_ptr<const Bytes> buffer, std::size_t count)
    {
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [this] { return jobs_.size() < max_waiting; });
            jobs_.push_back({.buffer = std::move(buffer), .count = count});
        }
        changed_.notify_all();
    }

    void wait()
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return jobs_.empty() && !is_busy_; });
    }

    template <std::size_t Size>
    std::array<std::byte, Size> finish()
    {
        wait();
        std::array<std::byte, Size> out{};
        ::EVP_DigestFinal_ex(context_.get(), as_uchar(std::span<std::byte>{out}), nullptr);
        return out;
    }

private:
    struct Job {
        std::shared_ptr<const Bytes> buffer;
        std::size_t count{};
    };

    void run()
    {
        std::unique_lock lock{mutex_};
        while (true) {
            changed_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
            if (is_ending_) {
                return;
            }
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            is_busy_ = true;
            lock.unlock();
            ::EVP_DigestUpdate(context_.get(), job.buffer->data(), job.count);
            job = {}; // the buffer goes back before anyone is told
            lock.lock();
            is_busy_ = false;
            changed_.notify_all();
        }
    }

    std::unique_ptr<EVP_MD_CTX, FreeDigest> context_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool is_busy_{false};
    bool is_ending_{false};
    std::thread thread_;
};

ContentHashes::ContentHashes(HashChoice choice)
    : sha256_{choice.sha256 ? std::make_unique<Lane>(::EVP_sha256()) : nullptr},
      md5_{choice.md5 ? std::make_unique<Lane>(::EVP_md5()) : nullptr},
      sha1_{choice.sha1 ? std::make_unique<Lane>(::EVP_sha1()) : nullptr}
{
    for (auto* const lane : {sha256_.get(), md5_.get(), sha1_.get()}) {
        if (lane != nullptr) {
            lanes_.push_back(lane);
        }
    }
}

ContentHashes::~ContentHashes() = default;

void ContentHashes::update(const std::shared_ptr<const Bytes>& buffer, std::size_t count)
{
    for (auto* const lane : lanes_) {
        lane->push(buffer, count);
    }
}

void ContentHashes::wait()
{
    for (auto* const lane : lanes_) {
        lane->wait();
    }
}

ContentDigests ContentHashes::finish()
{
    ContentDigests out;
    if (sha256_) {
        out.sha256 = sha256_->finish<32>();
    }
    if (md5_) {
        out.md5 = md5_->finish<16>();
    }
    if (sha1_) {
        out.sha1 = sha1_->finish<20>();
    }
    return out;
}

} // namespace salvage::rescue
